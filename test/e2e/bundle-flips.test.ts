/** Every single byte of a bundle, flipped: slow, so it is not among the fast tests. */
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { verifyBundle } from '../../src/actions/bundle-verify.ts';
import { Bundle } from '../../src/bundle/open.ts';
import type { BundleProblem } from '../../src/bundle/problem.ts';
import { isAirferryError } from '../../src/errors.ts';
import { Meter } from '../../src/support/meter.ts';
import { blobPath } from '../../src/transports/oci/file-store.ts';
import { create } from '../bundle/rig.ts';
import { dockerArchive20, imageOf, layerOf, noise, writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('a flipped byte in a bundle', { timeout: 300_000 });

test('is found wherever it is', async () => {
  const dir = scratch();
  writeTo(dir, 'images.tar', await dockerArchive20([imageOf(['x:1'], [await layerOf('a', 'a')])]));
  const { path } = await create(dir, 'name: t\nversion: "1"\nimages: [{ archive: ./images.tar }]\n');
  const bytes = readFileSync(path);
  const flipped = join(dir, 'flipped.tar');
  copyFileSync(path, flipped);
  const file = await open(flipped, 'r+');
  const misses: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    await file.write(Buffer.from([(bytes[at] ?? 0) ^ (1 << (at % 8))]), 0, 1, at);
    const found = await verifyBundle({ path: flipped, meter: new Meter() }).then(
      report => report.problems.length > 0,
      error => isAirferryError(error, 'BUNDLE_CORRUPT', 'BUNDLE_INVALID'),
    );
    if (!found) misses.push(at);
    await file.write(bytes.subarray(at, at + 1), 0, 1, at);
  }
  await file.close();
  assert.equal(misses, []);
  assert.ok(bytes.length > 10_000);
});

/** The same places in every run. */
function* places(count: number, below: number): Generator<number> {
  let state = 20_261_121;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield Math.floor((state / 2 ** 32) * below);
  }
}

test('in 10,000 random places of a bundle in parts names the part, and of one file the blob', async () => {
  const dir = scratch();
  const layers = await Promise.all([1, 2, 3].map(i => layerOf(`f${i}`, noise(60_000, i))));
  writeTo(dir, 'images.tar', await dockerArchive20([imageOf(['x:1'], layers)]));
  const recipe = 'name: t\nversion: "1"\nimages: [{ archive: ./images.tar }]\n';
  const { path } = await create(dir, recipe);
  const { parts = [] } = await create(dir, recipe, {
    output: join(dir, 'parted.tar'),
    parts: { partSize: 65_536 },
  });
  assert.ok(parts.length > 2);
  const bundle = Bundle.open(path);
  const blobs = bundle.entries.filter(
    ({ name }) => name.startsWith('blobs/') && name !== blobPath(bundle.digest),
  );
  bundle.close();
  const misses: string[] = [];
  for (const at of places(5_000, statSync(path).size)) {
    const { problems = [] } = await withFlip(path, at, () => verifyOf(path));
    const inside = blobs.find(({ offset, size }) => at >= offset && at < offset + size);
    const right = inside
      ? problems.some(({ blob }) => blob && blobPath(blob) === inside.name)
      : problems.length > 0;
    if (!right) misses.push(`${path} ${at}`);
  }
  const sizes = parts.map(({ size }) => size);
  for (const at of places(
    5_000,
    sizes.reduce((sum, size) => sum + size, 0),
  )) {
    let part = 0;
    let offset = at;
    while (offset >= (sizes[part] ?? 0)) offset -= sizes[part++] ?? 0;
    const file = parts[part]?.path ?? '';
    const { problems = [] } = await withFlip(file, offset, () => verifyOf(parts[1]?.path ?? ''));
    if (!problems.some(problem => problem.part === file)) misses.push(`${file} ${offset}`);
  }
  assert.equal(misses, []);
});

/** The problems of a bundle; where it cannot be opened, the one that says so. */
async function verifyOf(path: string): Promise<{ problems: Partial<BundleProblem>[] }> {
  return verifyBundle({ path, trustedKeys: [], meter: new Meter() }).catch((error: unknown) => {
    if (!isAirferryError(error, 'BUNDLE_CORRUPT', 'BUNDLE_INVALID')) throw error;
    return { problems: [{ part: error.where.file ?? '' }] };
  });
}

async function withFlip<T>(path: string, at: number, work: () => Promise<T>): Promise<T> {
  const file = await open(path, 'r+');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ (1 << (at % 8))]), 0, 1, at);
    const result = await work();
    await file.write(buffer, 0, 1, at);
    return result;
  } finally {
    await file.close();
  }
}

test.run();
