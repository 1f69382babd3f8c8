/** The real command line in a process of its own, run from its sources; and small things for it to work on. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import tar from 'tar-stream';

/** What `node` runs. */
export const ENTRY = fileURLToPath(new URL('../../bin/dev.js', import.meta.url));

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Options {
  cwd?: string;
  env?: Record<string, string>;
  /** Called once it runs, with a way to send a signal. */
  onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** Called with all of stderr so far, and a way to send a signal. */
  onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Run airferry without a terminal: stdin is empty, stdout and stderr are pipes. */
export function airferry(
  argv: readonly string[],
  { cwd, env = {}, onStart, onStderr }: Options = {},
): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [ENTRY, ...argv], {
      cwd,
      env: { PATH: process.env.PATH, HOME: tmpdir(), LANG: 'C.UTF-8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended: Ended = { status: null, stdout: '', stderr: '' };
    onStart?.(signal => child.kill(signal));
    child.stdout.setEncoding('utf8').on('data', text => {
      ended.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      ended.stderr += text;
      onStderr?.(ended.stderr, signal => child.kill(signal));
    });
    child.on('close', status => resolve({ ...ended, status }));
  });
}

/** A folder of its own for a test, and what is in it gone afterwards. */
export async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'airferry-cli-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A `docker save` archive with one image of one layer; `fill` is what the layer's only file holds. */
export async function saveArchive(
  path: string,
  name: string,
  fill: Buffer = Buffer.from(name),
): Promise<void> {
  const layer = await packed(pack =>
    pack.entry({ name: 'content', size: fill.length, mtime: new Date(0) }, fill),
  );
  const diffId = createHash('sha256').update(layer).digest('hex');
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
      history: [{ created: '1970-01-01T00:00:00Z' }],
    }),
  );
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  const layerName = `${diffId}/layer.tar`;
  const manifest = Buffer.from(
    JSON.stringify([{ Config: configName, RepoTags: [name], Layers: [layerName] }]),
  );
  const pack = tar.pack();
  pack.entry({ name: layerName }, layer);
  pack.entry({ name: configName }, config);
  pack.entry({ name: 'manifest.json' }, manifest);
  pack.finalize();
  await pipeline(pack, createWriteStream(path));
}

/** A recipe over archives of the same folder. */
export async function writeRecipe(folder: string, archives: readonly string[]): Promise<void> {
  const images = archives.map(archive => `  - archive: ./${archive}\n`).join('');
  const text = `name: plant-7\nversion: "2026.11"\nplatforms: [linux/amd64]\nimages:\n${images}`;
  await writeFile(join(folder, 'bundle.yaml'), text);
}

async function packed(fill: (pack: tar.Pack) => void): Promise<Buffer> {
  const pack = tar.pack();
  fill(pack);
  pack.finalize();
  return Buffer.concat(await Array.fromAsync(pack as AsyncIterable<Buffer>));
}
