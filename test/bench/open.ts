/** Opening a bundle of 100 GB with 5,000 blobs, and listing what is in it: a sparse file, of which only documents are read. */
import { join } from 'node:path';
import { formatBytes, plural } from '../../src/support/format.ts';
import type { Bench } from './bench.ts';
import { best, type Contender, contest, worst } from './contest.ts';
import { measure } from './measure.ts';
import type { Section, Target } from './report.ts';
import { writeSparseBundle } from './sparse-bundle.ts';

const SITE = { images: 250, layers: 18, layerSize: 22_300_000 };
const TINY = { images: 5, layers: 4, layerSize: 1_000_000 };
/** Bytes of memory, and times the half second that it may take; start-up included. */
const MEMORY = 120_000_000;
const HALF_SECOND_MS = 500;

export async function open(bench: Bench): Promise<Section> {
  const path = join(bench.dir, 'sparse.tar');
  const { size, blobs } = await writeSparseBundle(path, bench.quick ? TINY : SITE);
  const commands = [
    ['bundle', 'inspect'],
    ['image', 'list'],
  ];
  const contenders = commands.map(
    (words): Contender => ({
      name: `airferry ${words.join(' ')}`,
      run: () => measure([bench.airferry(...words, path)]),
    }),
  );
  const standings = await contest(contenders, bench.rounds, bench.tell);
  return {
    title: 'opening a large bundle',
    notes: [`A bundle of ${formatBytes(size)} with ${plural(blobs, 'blob')}, all layers of it holes.`],
    standings,
    targets: standings.flatMap((one): Target[] => [
      { what: `${one.name}: half seconds`, value: best(one) / HALF_SECOND_MS, unit: 'times', atMost: 1 },
      { what: `${one.name}: peak memory`, value: worst(one, 'peak'), unit: 'bytes', atMost: MEMORY },
      { what: `${one.name}: bytes read`, value: worst(one, 'read'), unit: 'bytes', atMost: 50_000_000 },
    ]),
  };
}
