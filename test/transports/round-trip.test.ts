import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { formatReference } from '../../src/content/reference.ts';
import { openImageSource } from '../../src/transports/open.ts';
import type { ImageSource } from '../../src/transports/source.ts';
import { writeFolder } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { copyAll, PLACES } from './places.ts';
import { randomLayout } from './random-images.ts';

const test = suite('transports/round-trip', { timeout: 60_000 });
/** `AIRFERRY_SEED=7` runs that one alone, `AIRFERRY_SEEDS=1000` a thousand of them. */
const SEEDS = process.env.AIRFERRY_SEED
  ? [Number(process.env.AIRFERRY_SEED)]
  : Array.from({ length: Number(process.env.AIRFERRY_SEEDS ?? 6) }, (_, i) => i + 1);
const folder = scratch();

/** Everything that must survive: names, digests, config bytes, diffIDs, and every layer's content. */
async function view(source: ImageSource): Promise<string[]> {
  const lines: string[] = [];
  const layers = new Set<string>();
  for await (const layer of source.layers()) {
    for await (const _ of layer.open()) {
      // The end of the stream is the check.
    }
    layers.add(layer.descriptor?.digest ?? layer.key);
  }
  const { images, indexes } = await source.inventory();
  for (const { names, manifest, config, layers, platform } of images) {
    const named = names.map(formatReference).sort().join(' ');
    const digest = manifest?.descriptor.digest;
    const content = digestOf(config.bytes);
    lines.push(
      `image ${digest} ${named} ${content} ${JSON.stringify(platform)} ${layers.map(({ diffId }) => diffId).join(' ')}`,
    );
  }
  for (const { names, index, children } of indexes)
    lines.push(
      `index ${index.descriptor.digest} ${names.map(formatReference).sort().join(' ')} ${children.join(' ')}`,
    );
  return [...lines.sort(), `${layers.size} layers`];
}

async function viewOf(open: () => Promise<ImageSource>): Promise<string[]> {
  const source = await open();
  try {
    return await view(source);
  } finally {
    await source.close();
  }
}

for (const [first, makeFirst] of Object.entries(PLACES)) {
  for (const [second, makeSecond] of Object.entries(PLACES)) {
    test(`random images keep all their digests from a layout to ${first} and on to ${second}`, async () => {
      for (const seed of SEEDS) {
        const at = (name: string): string => {
          const path = join(folder, `${first}-${second}-${seed}`, name);
          mkdirSync(path, { recursive: true });
          return path;
        };
        const tagged = [first, second].includes('docker');
        const origin = writeFolder(at('origin'), await randomLayout(seed, { tagged }));
        const expected = await viewOf(() => openImageSource(origin));
        let open = () => openImageSource(origin);
        for (const place of [makeFirst(at('first')), makeSecond(at('second'))]) {
          const source = await open();
          try {
            await copyAll(source, place, { unnamed: !tagged });
          } finally {
            await source.close();
          }
          open = () => place.source();
          const found = await viewOf(open);
          assert.equal(found, expected, `seed ${seed}; AIRFERRY_SEED=${seed} runs it alone`);
        }
      }
    });
  }
}

test('what stands at a place already is not moved again', async () => {
  const origin = writeFolder(join(folder, 'again'), await randomLayout(3));
  for (const [name, make] of Object.entries(PLACES)) {
    if (name !== 'oci') continue;
    const place = make(join(folder, `again-${name}`));
    for (const round of [1, 2]) {
      const source = await openImageSource(origin);
      const report = await copyAll(source, place);
      await source.close();
      if (round === 2) assert.is(report.moved.bytes, 0);
      else assert.ok(report.moved.bytes > 0);
    }
  }
});

test.run();
