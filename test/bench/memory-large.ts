/** An image of 10 GB with one layer of 8 GB: memory and scratch files of every way to push it. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../src/tar/write.ts';
import type { Bench } from './bench.ts';
import { contest, type Standing, worst } from './contest.ts';
import { measure } from './measure.ts';
import { PEAK_LIMIT, type Section, type Target } from './report.ts';

const GB = 1_000_000_000;
const PLAIN = 'airferry image push of an OCI layout, sent as it is';
const COMPRESSED = 'airferry image push of a docker-archive, compressed on the way';

/** Content that takes no room on the disk: zeros, which are an empty tar as well. */
interface Layer {
  size: number;
  digest: string;
}

export async function memoryLarge(bench: Bench): Promise<Section> {
  const { rounds, tell, quick, dir } = bench;
  const scale = quick ? 0.05 : 1;
  const layers = [8 * GB, 1 * GB, 1 * GB + 1024].map(size => zeros(Math.ceil((size * scale) / 1024) * 1024));
  const [layout, archive] = [join(dir, 'large'), join(dir, 'large.tar')];
  await writeLayout(layout, layers);
  await writeArchive(archive, layers);
  const sink = await startSink();
  try {
    const contender = (name: string, path: string) => ({
      name,
      run: () => measure([bench.airferry('image', 'push', path, sink.address, '--plain-http')]),
    });
    const standings = await contest(
      [contender(PLAIN, layout), contender(COMPRESSED, archive)],
      Math.min(rounds, 1),
      tell,
    );
    return {
      title: 'memory with large images',
      notes: [
        'An image of 10 GB with one layer of 8 GB, all zeros, into a registry that keeps nothing. One run each.',
      ],
      standings,
      targets: standings.flatMap(targets),
    };
  } finally {
    sink.stop();
  }
}

/** A digest of so many zeros, as fast as the machine hashes. */
function zeros(size: number): Layer {
  const hash = createHash('sha256');
  const block = Buffer.alloc(8 * 1024 * 1024);
  for (let left = size; left > 0; left -= block.length)
    hash.update(block.subarray(0, Math.min(left, block.length)));
  return { size, digest: `sha256:${hash.digest('hex')}` };
}

function configOf(layers: Layer[]): Buffer {
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  return Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs }));
}

async function writeLayout(folder: string, layers: Layer[]): Promise<void> {
  const blobs = join(folder, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const put = async (mediaType: string, bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  for (const { digest, size } of layers) {
    const path = join(blobs, digest.slice('sha256:'.length));
    await writeFile(path, '');
    await truncate(path, size);
  }
  const config = await put(OCI_CONFIG, configOf(layers));
  const described = layers.map(({ digest, size }) => ({ mediaType: OCI_LAYER, digest, size }));
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: described };
  const entry = await put(OCI_MANIFEST, Buffer.from(JSON.stringify(manifest)));
  const annotations = { 'io.containerd.image.name': 'docker.io/site/large:1' };
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ ...entry, annotations }] };
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

async function writeArchive(path: string, layers: Layer[]): Promise<void> {
  const file = await open(path, 'w');
  let at = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await file.write(bytes, 0, bytes.length, at);
    at += bytes.length;
  };
  const config = configOf(layers);
  const names = layers.map((_, i) => `${i}/layer.tar`);
  for (const [i, { size }] of layers.entries()) {
    await write(await fileHeader(names[i] ?? '', size));
    // A hole instead of zeros.
    at += size + padding(size).length;
  }
  const item = { Config: 'config.json', RepoTags: ['site/large:1'], Layers: names };
  for (const [name, bytes] of [
    ['config.json', config],
    ['manifest.json', Buffer.from(JSON.stringify([item]))],
  ] as const) {
    await write(await fileHeader(name, bytes.length));
    await write(bytes);
    await write(padding(bytes.length));
  }
  await write(END_OF_ARCHIVE);
  await file.close();
}

/** A registry that takes everything and keeps nothing, in a process of its own. */
async function startSink(): Promise<{ address: string; stop(): void }> {
  const port = 5999;
  const script = new URL('./sink.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, String(port)], { stdio: 'ignore' });
  const address = `127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    const up = await fetch(`http://${address}/v2/`).then(
      () => true,
      () => false,
    );
    if (up) return { address, stop: () => void child.kill() };
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error('the registry that keeps nothing did not start');
}

function targets(one: Standing): Target[] {
  return [
    { what: `${one.name}: peak memory`, value: worst(one, 'peak'), unit: 'bytes', atMost: PEAK_LIMIT },
    {
      what: `${one.name}: bytes to the operator's disk`,
      value: worst(one, 'stored'),
      unit: 'bytes',
      atMost: 10_000_000,
    },
  ];
}
