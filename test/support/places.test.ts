import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { Places } from '../../src/support/places.ts';
import { suite } from './suite.ts';

const test = suite('places');

test('no more is worked on at once than there are places, in the order of asking', async () => {
  const places = new Places(2);
  const begun: number[] = [];
  let now = 0;
  let most = 0;
  await Promise.all(
    [0, 1, 2, 3, 4].map(i =>
      places.run(async () => {
        begun.push(i);
        most = Math.max(most, ++now);
        await sleep(3);
        now--;
      }),
    ),
  );
  assert.is(most, 2);
  assert.equal(begun, [0, 1, 2, 3, 4]);
});

test('who waits for long lends its place, and gets one again before it goes on', async () => {
  const places = new Places(1);
  const log: string[] = [];
  const answer = Promise.withResolvers<void>();
  const slow = places.run(async place => {
    await place.waiting(answer.promise, 5);
    log.push('slow goes on');
  });
  const others = [1, 2].map(i =>
    places.run(async () => {
      log.push(`${i} begins`);
      if (i === 2) answer.resolve();
      await sleep(10);
      log.push(`${i} ends`);
    }),
  );
  await Promise.all([slow, ...others]);
  assert.equal(log, ['1 begins', '1 ends', '2 begins', '2 ends', 'slow goes on']);
});

test('a failure while the place is lent gives nothing back twice', async () => {
  const places = new Places(1);
  const failing = places.run(place =>
    place.waiting(
      sleep(10).then(() => Promise.reject(new Error('no'))),
      1,
    ),
  );
  assert.is(await failing.catch((error: Error) => error.message), 'no');
  let now = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await sleep(2);
    now--;
  };
  await Promise.all([places.run(work), places.run(work), places.run(work)]);
  assert.is(most, 1);
});

test('an answer that comes soon keeps its place', async () => {
  const places = new Places(1);
  const log: string[] = [];
  const first = places.run(async place => {
    await place.waiting(sleep(1), 200);
    log.push('first');
  });
  await Promise.all([first, places.run(async () => void log.push('second'))]);
  assert.equal(log, ['first', 'second']);
});

test.run();
