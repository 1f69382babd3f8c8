/** Memory stays flat: what a bundle needs to be packed, verified and listed, each measured in a process of its own. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { buildProgram } from '../../src/cli/build.ts';
import { END_OF_ARCHIVE, fileHeader } from '../../src/tar/write.ts';
import { imageOf, noise } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('memory', { timeout: 60_000 });
const MiB = 1024 * 1024;
/** Bytes that no command may need, however large what it works on. */
const MOST = 200_000_000;
const root = new URL('../../', import.meta.url).pathname;
const folder = scratch();

/** A saved image with one layer of so many MiB, a third of which does not compress. */
async function bigArchive(sizeInMiB: number): Promise<string> {
  const size = sizeInMiB * MiB;
  const path = join(folder, `big-${sizeInMiB}.tar`);
  const block = Buffer.concat([noise(MiB / 3), Buffer.alloc(MiB - noise(MiB / 3).length, 'text ')]);
  const head = await fileHeader('file', size);
  const hash = createHash('sha256').update(head);
  const handle = openSync(path, 'w');
  writeSync(handle, await fileHeader('big/layer.tar', size + 512 + 1024));
  writeSync(handle, head);
  for (let i = 0; i < sizeInMiB; i++) {
    block.writeUInt32BE(i, 0);
    hash.update(block);
    writeSync(handle, block);
  }
  writeSync(handle, END_OF_ARCHIVE);
  const made = imageOf(['big:1'], [END_OF_ARCHIVE]);
  const config = Buffer.from(
    String(made.config).replaceAll(
      /sha256:[0-9a-f]{64}/g,
      `sha256:${hash.update(END_OF_ARCHIVE).digest('hex')}`,
    ),
  );
  const id = createHash('sha256').update(config).digest('hex');
  const manifest = JSON.stringify([{ Config: `${id}.json`, RepoTags: ['big:1'], Layers: ['big/layer.tar'] }]);
  for (const [name, content] of [
    [`${id}.json`, config],
    ['manifest.json', Buffer.from(manifest)],
  ] as const) {
    writeSync(handle, await fileHeader(name, content.length));
    writeSync(handle, content);
    writeSync(handle, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  writeSync(handle, END_OF_ARCHIVE);
  closeSync(handle);
  return path;
}

/** airferry as it is installed: built, since reading it from its sources costs 30 MB of its own. */
async function installed(): Promise<string> {
  const home = join(folder, 'airferry');
  mkdirSync(home);
  for (const name of ['node_modules', 'package.json', 'systemd', 'templates'])
    symlinkSync(join(root, name), join(home, name));
  await buildProgram(home);
  return home;
}

/** Run a command in a process of its own; the most memory that it had, in bytes. */
function peakOf(...args: string[]): number {
  const tell = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS * 1024))`;
  const program = join(home, 'dist/main.js');
  const child = spawnSync(process.execPath, [`--import=data:text/javascript,${tell}`, program, ...args], {
    encoding: 'utf8',
  });
  assert.is(child.status, 0, child.stderr);
  return Number(/peak (\d+)$/.exec(child.stderr)?.[1]);
}

function recipeOver(archive: string): string {
  const path = join(folder, 'bundle.yaml');
  writeFileSync(path, `name: big\nversion: "1"\nimages:\n  - archive: ${archive}\n`);
  return path;
}

const home = await installed();
const archive = await bigArchive(300);
const bundle = join(folder, 'out.tar');

for (const compression of ['zstd', 'gzip', 'none']) {
  test(`packing a layer of 300 MiB with ${compression} stays below 200 MB`, () => {
    rmSync(bundle, { force: true });
    const peak = peakOf(
      'bundle',
      'create',
      '-f',
      recipeOver(archive),
      '-o',
      bundle,
      '--compression',
      compression,
    );
    assert.ok(peak < MOST, `${Math.round(peak / 1e6)} MB`);
  });
}

test('verifying 300 MiB stays below 200 MB', () => {
  const peak = peakOf('bundle', 'verify', bundle);
  assert.ok(peak < MOST, `${Math.round(peak / 1e6)} MB`);
});

test('packing it from a compressed archive stays below 200 MB', () => {
  assert.is(spawnSync('gzip', ['-1', '-k', archive]).status, 0);
  rmSync(archive);
  rmSync(bundle);
  const recipe = recipeOver(`${archive}.gz`);
  const peak = peakOf('bundle', 'create', '-f', recipe, '-o', bundle, '--compression', 'none');
  assert.ok(peak < MOST, `${Math.round(peak / 1e6)} MB`);
});

test.run();
