import { setImmediate } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { tee } from '../../src/support/tee.ts';
import { refusal } from '../engine/expect.ts';
import { suite } from './suite.ts';

const test = suite('tee');

async function* source(count: number, failure?: Error): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Uint8Array.of(i);
  if (failure) throw failure;
}

async function collect(stream: AsyncIterable<Uint8Array>, most = 1e9): Promise<number[]> {
  const seen: number[] = [];
  for await (const [value] of stream) {
    seen.push(value ?? -1);
    if (seen.length === most) break;
  }
  return seen;
}

test('both readers see all of it', async () => {
  const { passing, copy } = tee(source(100));
  const [a, b] = await Promise.all([collect(passing), collect(copy)]);
  assert.equal(a, b);
  assert.is(a.length, 100);
});

test('an empty stream ends for both', async () => {
  const { passing, copy } = tee(source(0));
  assert.equal(await Promise.all([collect(passing), collect(copy)]), [[], []]);
});

test('they go in step: no more than a chunk is read ahead of the slower one', async () => {
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source(50)) {
      read++;
      yield chunk;
    }
  }
  const { passing, copy } = tee(counted());
  const fast = collect(passing);
  let seen = 0;
  for await (const _ of copy) {
    for (let i = 0; i < 5; i++) await setImmediate();
    seen++;
    assert.ok(read - seen <= 2, `${read} read, ${seen} seen`);
  }
  await fast;
});

test('they go in step when the copy is the faster one, too', async () => {
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source(50)) {
      read++;
      yield chunk;
    }
  }
  const { passing, copy } = tee(counted());
  const fast = collect(copy);
  let seen = 0;
  for await (const _ of passing) {
    for (let i = 0; i < 5; i++) await setImmediate();
    seen++;
    assert.ok(read - seen <= 1, `${read} read, ${seen} seen`);
  }
  assert.is((await fast).length, 50);
});

test('when the copy leaves early, the other goes on alone', async () => {
  const { passing, copy } = tee(source(20));
  const [all, some] = await Promise.all([collect(passing), collect(copy, 3)]);
  assert.equal([all.length, some.length], [20, 3]);
});

test('a copy that leaves before the first chunk holds nobody up', async () => {
  const { passing, copy } = tee(source(5));
  const left = copy[Symbol.asyncIterator]().return?.();
  assert.is((await collect(passing)).length, 5);
  await left;
});

test('when the source fails, both fail with its error', async () => {
  const failure = new AirferryError('FILE_UNREADABLE', 'the disk reports a read error');
  const { passing, copy } = tee(source(3, failure));
  const outcomes = await Promise.allSettled([collect(passing), collect(copy)]);
  for (const outcome of outcomes) assert.is(outcome.status === 'rejected' && outcome.reason, failure);
});

test('when the driver gives up, the copy fails', async () => {
  const { passing, copy } = tee(source(10));
  const [some, rest] = await Promise.allSettled([collect(passing, 3), collect(copy)]);
  assert.is(some.status, 'fulfilled');
  assert.match(String((rest as PromiseRejectedResult).reason), /given up before its end/);
});

test('giving up closes the source', async () => {
  let closed = false;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* source(10);
    } finally {
      closed = true;
    }
  }
  const { passing, copy } = tee(watched());
  const rest = collect(copy).catch(() => undefined);
  await collect(passing, 2);
  await rest;
  assert.ok(closed);
});

test('a copy that is asked again after the end says so again', async () => {
  const { passing, copy } = tee(source(1));
  const iterator = copy[Symbol.asyncIterator]();
  const rest = collect(passing);
  await iterator.next();
  assert.ok((await iterator.next()).done);
  assert.ok((await iterator.next()).done);
  await rest;
});

test('a failure that no one reads of is not unhandled', async () => {
  const { passing } = tee(source(0, new AirferryError('INTERNAL', 'x')));
  await refusal(() => collect(passing), 'INTERNAL');
  await setImmediate();
});

test.run();
