/** Every single byte of a bundle, flipped: slow, so it is not among the fast tests. */
import { copyFileSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { verifyBundle } from '../../src/actions/bundle-verify.ts';
import { isAirferryError } from '../../src/errors.ts';
import { Meter } from '../../src/support/meter.ts';
import { create } from '../bundle/rig.ts';
import { dockerArchive20, imageOf, layerOf, writeTo } from '../support/archives.ts';
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

test.run();
