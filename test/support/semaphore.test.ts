import * as assert from 'uvu/assert';
import { Semaphore } from '../../src/support/semaphore.ts';
import { suite } from './suite.ts';

const test = suite('support/semaphore');

test('as many run at once as there are places, in the order in which they asked', async () => {
  const semaphore = new Semaphore(3);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      semaphore.run(async () => {
        order.push(n);
        most = Math.max(most, ++running);
        await new Promise(resolve => setImmediate(resolve));
        running--;
      }),
    ),
  );
  assert.is(most, 3);
  assert.equal(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('work that fails gives its place back', async () => {
  const semaphore = new Semaphore(1);
  await semaphore.run(() => Promise.reject(new Error('x'))).catch(() => undefined);
  assert.is(await semaphore.run(async () => 7), 7);
});

test.run();
