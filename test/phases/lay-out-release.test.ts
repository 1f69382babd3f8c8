import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { layOutScript } from '../../src/phases/lay-out-release.ts';
import { suite } from '../support/suite.ts';

const test = suite('lay-out-release');
let dir: string;

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-release-'));
});
test.after(() => rmSync(dir, { recursive: true }));

const HEX = '0'.repeat(64);

/** Run the script with everything below a folder of its own, over an archive of these members. */
function layOut(members: readonly string[], wanted: readonly string[] = ['dockerd', 'runc']) {
  const root = mkdtempSync(join(dir, 'host-'));
  mkdirSync(join(root, 'docker'));
  for (const name of ['dockerd', 'runc', 'extra'])
    writeFileSync(join(root, 'docker', name), `program ${name}`);
  const blobs = join(root, 'var/lib/airferry/blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  spawnSync('tar', ['-czf', join(blobs, HEX), '-C', root, ...members]);
  chmodSync(join(root, 'docker/runc'), 0o600);
  const release = join(root, 'opt/airferry/releases/1');
  const script = layOutScript({
    archive: { digest: `sha256:${HEX}`, size: 1, open: () => [] as never },
    components: wanted,
    release: { dir: release },
  } as never).replaceAll(/(?<![\w/])\/(?:opt|var)\//g, path => `${root}${path}`);
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `LC_ALL=C; export LC_ALL\n${script}`], {
    encoding: 'utf8',
  });
  return { root, release, status, stdout, stderr };
}

for (const prefix of ['', './'])
  test(`the listed programs are laid out and hashed where members begin with "${prefix}"`, () => {
    const { release, status, stdout, stderr, root } = layOut(
      ['extra', 'runc', 'dockerd'].map(name => `${prefix}docker/${name}`),
    );
    assert.is(status, 0, stderr);
    assert.equal(readdirSync(join(release, 'bin')), ['dockerd', 'runc']);
    assert.is(readFileSync(join(release, 'bin/runc'), 'utf8'), 'program runc');
    const sha256 = createHash('sha256').update('program runc').digest('hex');
    assert.match(stdout, new RegExp(`^${sha256} [ *]runc$`, 'm'));
    const { ino } = statSync(join(release, 'bin/runc'));
    assert.match(stdout, new RegExp(`^seen ${ino} 12 \\d+\\.\\d{9} \\d+\\.\\d{9} runc$`, 'm'));
    assert.equal(readdirSync(join(root, 'opt/airferry/releases')), ['1']);
    assert.equal(readdirSync(join(root, 'var/lib/airferry/blobs/sha256')), []);
  });

test('an archive that lacks a program leaves nothing behind and stays where it is', () => {
  const lacking = layOut(['docker/dockerd']);
  assert.is.not(lacking.status, 0);
  assert.match(lacking.stderr, 'docker/runc');
  assert.equal(readdirSync(join(lacking.root, 'opt/airferry/releases')), []);
  assert.equal(readdirSync(join(lacking.root, 'var/lib/airferry/blobs/sha256')), [HEX]);
});

test.run();
