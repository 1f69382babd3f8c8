import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { type RetryOptions, retry } from '../../src/support/retry.ts';
import { refusal } from '../engine/expect.ts';
import { suite } from './suite.ts';

const test = suite('retry');
const passing = new AirferryError('REGISTRY_FAILED', 'a bad day');
const lasting = new AirferryError('REGISTRY_DENIED', 'never');

function options(over: Partial<RetryOptions> = {}): RetryOptions {
  return { attempts: 4, baseMs: 4, maxMs: 10, retryable: error => error === passing, ...over };
}

test('work is tried again until it succeeds', async () => {
  const attempts: number[] = [];
  const result = await retry(async attempt => {
    attempts.push(attempt);
    if (attempt < 3) throw passing;
    return 'done';
  }, options());
  assert.is(result, 'done');
  assert.equal(attempts, [1, 2, 3]);
});

test('a failure that will not pass is thrown at once', async () => {
  let calls = 0;
  await refusal(
    () =>
      retry(async () => {
        calls++;
        throw lasting;
      }, options()),
    'REGISTRY_DENIED',
  );
  assert.is(calls, 1);
});

test('after the last attempt its failure is thrown, without another pause', async () => {
  const pauses: number[] = [];
  await refusal(
    () =>
      retry(async () => Promise.reject(passing), options({ onRetry: (_, __, pause) => pauses.push(pause) })),
    'REGISTRY_FAILED',
  );
  assert.is(pauses.length, 3);
  assert.ok(pauses.every((pause, i) => pause >= 0 && pause <= Math.min(10, 4 * 2 ** i)));
});

test('no pause of its own is longer than the longest allowed', async () => {
  const pauses: number[] = [];
  await refusal(
    () =>
      retry(
        async () => Promise.reject(passing),
        options({ attempts: 6, baseMs: 1e6, maxMs: 2, onRetry: (_, __, pause) => pauses.push(pause) }),
      ),
    'REGISTRY_FAILED',
  );
  assert.is(pauses.length, 5);
  assert.ok(pauses.every(pause => pause <= 2));
});

test('the pause that the other side names is kept', async () => {
  const started = performance.now();
  await retry(
    async attempt => {
      if (attempt === 1) throw passing;
    },
    options({ maxMs: 1, retryable: () => ({ afterMs: 50 }) }),
  );
  assert.ok(performance.now() - started >= 45);
});

test('an interruption during a pause ends it with its own reason', async () => {
  const controller = new AbortController();
  const reason = new AirferryError('INTERRUPTED', 'interrupted');
  setTimeout(() => controller.abort(reason), 10);
  const started = performance.now();
  await refusal(
    () =>
      retry(
        async () => Promise.reject(passing),
        options({ signal: controller.signal, retryable: () => ({ afterMs: 60_000 }) }),
      ),
    'INTERRUPTED',
  );
  assert.ok(performance.now() - started < 1000);
});

test('nothing is tried again after an interruption', async () => {
  let calls = 0;
  await refusal(
    () =>
      retry(
        async () => {
          calls++;
          throw passing;
        },
        options({ signal: AbortSignal.abort() }),
      ),
    'REGISTRY_FAILED',
  );
  assert.is(calls, 1);
});

test.run();
