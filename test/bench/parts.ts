/** Reading a bundle from 25 parts beside reading it from one file, and writing it as parts beside writing one. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../src/support/format.ts';
import { type Bench, bytesBelow, makeBundle, warm } from './bench.ts';
import { best, contest, standing, worst } from './contest.ts';
import { type Cost, measure } from './measure.ts';
import type { Section } from './report.ts';

const PARTS = 25;
const ONE = 'bundle verify of one file';
const MANY = `bundle verify of ${PARTS} parts`;
const SPLIT = 'bundle split';
const PARITY = 'bundle split --parity 1';
const LEAST = 64 * 1024;

export async function parts(bench: Bench): Promise<Section> {
  const { airferry, dir, rounds, tell } = bench;
  const { path, size } = await makeBundle(bench);
  const folder = join(dir, 'parts');
  const partSize = Math.max(LEAST, Math.ceil(size / PARTS) + 4096);
  const split = async (...flags: string[]): Promise<Cost> => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    return measure([
      airferry('bundle', 'split', path, '--part-size', String(partSize), '-o', `${folder}/`, ...flags),
    ]);
  };
  await split();
  const written = await bytesBelow(folder);
  await warm([path, folder]);
  const read = await contest(
    [
      { name: ONE, run: () => measure([airferry('bundle', 'verify', path)]) },
      { name: MANY, run: () => measure([airferry('bundle', 'verify', join(folder, 'bundle.tar.001'))]) },
    ],
    rounds,
    tell,
  );
  const cut = await contest(
    [
      { name: SPLIT, run: () => split() },
      { name: PARITY, run: () => split('--parity', '1') },
    ],
    1,
    tell,
  );
  const standings = [...read, ...cut];
  return {
    title: 'bundles in parts',
    notes: [`A bundle of ${formatBytes(size)}, as one file and as ${PARTS} parts, in the page cache.`],
    standings,
    targets: [
      {
        what: `reading ${PARTS} parts: time against one file`,
        value: best(standing(standings, MANY)) / best(standing(standings, ONE)),
        unit: 'times',
        atMost: 1.05,
      },
      {
        what: `reading ${PARTS} parts: bytes read against one file`,
        value: worst(standing(standings, MANY), 'read') / worst(standing(standings, ONE), 'read'),
        unit: 'times',
        atMost: 1.01,
      },
      {
        what: 'parts: their bytes against those of one file',
        value: written / size,
        unit: 'times',
        atMost: 1.01,
      },
      {
        what: 'bundle split: bytes read against the bundle',
        value: worst(standing(standings, SPLIT), 'read') / size,
        unit: 'times',
        atMost: 1.1,
      },
      {
        what: 'bundle split: bytes written against the bundle',
        value: worst(standing(standings, SPLIT), 'written') / size,
        unit: 'times',
        atMost: 1.05,
      },
    ],
  };
}
