/** `bundle verify` beside `sha256sum` of the same file: one checks every blob and reference, the other one sum. */
import { formatBytes } from '../../src/support/format.ts';
import { type Bench, makeBundle, warm } from './bench.ts';
import { best, contest, standing, worst } from './contest.ts';
import { measure } from './measure.ts';
import { PEAK_LIMIT, type Section } from './report.ts';

const OURS = 'airferry bundle verify';
const THEIRS = 'sha256sum';
/** Of the speed of sha256sum; start-up included. */
const SPEED = 0.8;

export async function verify(bench: Bench): Promise<Section> {
  const { path, size } = await makeBundle(bench);
  await warm([path]);
  const contenders = [
    { name: OURS, run: () => measure([bench.airferry('bundle', 'verify', path)]) },
    { name: THEIRS, run: () => measure([['sha256sum', path]]) },
  ];
  const standings = await contest(contenders, bench.rounds, bench.tell);
  const ours = standing(standings, OURS);
  return {
    title: 'bundle verify',
    notes: [`A bundle of ${formatBytes(size)}, in the page cache. Best of ${bench.rounds}, taking turns.`],
    standings,
    targets: [
      {
        what: 'bundle verify: speed against sha256sum',
        value: best(standing(standings, THEIRS)) / best(ours),
        unit: 'times',
        atLeast: SPEED,
      },
      { what: 'bundle verify: peak memory', value: worst(ours, 'peak'), unit: 'bytes', atMost: PEAK_LIMIT },
      {
        what: 'bundle verify: bytes read against the bundle',
        value: worst(ours, 'read') / size,
        unit: 'times',
        atMost: 1.1,
      },
    ],
  };
}
