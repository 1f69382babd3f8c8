import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { litter } from '../../src/support/garbage.ts';
import { suite } from './suite.ts';

const test = suite('garbage');
const MiB = 1024 * 1024;
const { NODE_PERFORMANCE_GC_MINOR } = constants;

/** Collections of a kind while `work` runs. */
async function collections(kind: number, work: () => void): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver(list => {
    const entries = list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[];
    count += entries.filter(({ detail }) => detail.kind === kind).length;
  });
  observer.observe({ entryTypes: ['gc'] });
  work();
  await sleep(20);
  observer.disconnect();
  return count;
}

test('buffers that are told of are taken away as they come', async () => {
  const often = await collections(NODE_PERFORMANCE_GC_MINOR, () => {
    for (let i = 0; i < 160; i++) litter(MiB);
  });
  assert.ok(often >= 10, `${often} collections`);
});

test('a few buffers are not worth the trouble', async () => {
  assert.is(await collections(NODE_PERFORMANCE_GC_MINOR, () => litter(MiB)), 0);
});

test.run();
