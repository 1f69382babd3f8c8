import * as assert from 'uvu/assert';
import { Meter, remainingMs } from '../../src/support/meter.ts';
import { suite } from './suite.ts';

const test = suite('meter');

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(10);
}

async function drain(stream: AsyncIterable<Uint8Array>, most = 1e9): Promise<void> {
  let count = 0;
  for await (const _ of stream) if (++count === most) break;
}

test('bytes count as they pass', async () => {
  const meter = new Meter();
  meter.expect(30);
  await drain(meter.count(pieces(3), { reached: 0 }));
  assert.equal([meter.progress.done, meter.progress.total], [30, 30]);
});

test('content that is sent again after a failure counts only what goes beyond the first time', async () => {
  const meter = new Meter();
  const mark = { reached: 0 };
  const seen: number[] = [];
  for (const most of [3, 2, 5, 10]) {
    await drain(meter.count(pieces(6), mark), most);
    seen.push(meter.progress.done);
  }
  assert.equal(seen, [20, 20, 40, 60]);
});

test('the rest is foretold from the pace, once there is one', () => {
  assert.is(remainingMs({ done: 0, total: 10, spared: 0, elapsedMs: 5000 }), undefined);
  assert.is(remainingMs({ done: 5, total: 10, spared: 0, elapsedMs: 900 }), undefined);
  assert.is(remainingMs({ done: 11, total: 10, spared: 0, elapsedMs: 5000 }), undefined);
  assert.is(remainingMs({ done: 5, total: 20, spared: 0, elapsedMs: 2000 }), 6000);
  assert.is(remainingMs({ done: 10, total: 10, spared: 0, elapsedMs: 2000 }), 0);
});

test.run();
