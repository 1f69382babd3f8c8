import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { mapLimit } from '../../src/support/limit.ts';
import { refusal } from '../engine/expect.ts';
import { suite } from './suite.ts';

const test = suite('limit');

test('no more than the limit run at once, and results keep their order', async () => {
  let running = 0;
  let most = 0;
  const results = await mapLimit([30, 5, 20, 1, 10], 2, async (ms, index) => {
    most = Math.max(most, ++running);
    await sleep(ms);
    running--;
    return `${index}:${ms}`;
  });
  assert.is(most, 2);
  assert.equal(results, ['0:30', '1:5', '2:20', '3:1', '4:10']);
});

test('a limit below one still does the work', async () => {
  assert.equal(await mapLimit([1, 2], 0, async n => n), [1, 2]);
  assert.equal(await mapLimit([], 5, async n => n), []);
});

test('the first failure is thrown once what runs has settled, and nothing is started after it', async () => {
  const started: number[] = [];
  let settled = false;
  await refusal(
    () =>
      mapLimit([0, 1, 2, 3], 2, async n => {
        started.push(n);
        if (n === 0) throw new AirferryError('INTERNAL', 'first');
        await sleep(20);
        settled = true;
      }),
    'INTERNAL',
    /first/,
  );
  assert.equal(started, [0, 1]);
  assert.ok(settled);
});

test('a source of items that fails is a failure like any other, waited for and let go', async () => {
  let settled = false;
  let closed = false;
  async function* items(): AsyncGenerator<number> {
    try {
      yield 1;
      await setImmediate();
      throw new AirferryError('INTERNAL', 'no more items');
    } finally {
      closed = true;
    }
  }
  await refusal(
    () =>
      mapLimit(items(), 2, async () => {
        await sleep(20);
        settled = true;
      }),
    'INTERNAL',
    /no more items/,
  );
  assert.ok(settled);
  assert.ok(closed);
});

test('when work fails, the source of items is let go', async () => {
  let closed = false;
  async function* items(): AsyncGenerator<number> {
    try {
      for (let n = 0; ; n++) yield n;
    } finally {
      closed = true;
    }
  }
  await refusal(
    () =>
      mapLimit(items(), 3, async n => {
        if (n === 10) throw new AirferryError('INTERNAL', 'ten');
      }),
    'INTERNAL',
  );
  assert.ok(closed);
});

test.run();
