import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { peek } from '../../src/support/peek.ts';
import { refusal } from '../engine/expect.ts';
import { suite } from './suite.ts';

const test = suite('peek');
const text = 'what a stream begins with tells what it is';

/** A stream in chunks of `size`, an empty one after each, that tells how much was read of it and whether it was closed. */
function watched(size: number, failure?: Error) {
  const seen = { read: 0, closed: false };
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < text.length; at += size) {
        const chunk = Buffer.from(text.slice(at, at + size));
        seen.read += chunk.length;
        yield chunk;
        yield Buffer.alloc(0);
      }
      if (failure) throw failure;
    } finally {
      seen.closed = true;
    }
  }
  return { seen, stream: stream() };
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

test('the head is as long as asked for, and the whole has it again, however the stream is cut', async () => {
  for (const size of [1, 2, 3, 7, 100]) {
    for (const length of [0, 1, 4, 7, 41, 42, 43, 1000]) {
      const { head, whole } = await peek(watched(size).stream, length);
      assert.is(Buffer.from(head).toString(), text.slice(0, length), `${size}, ${length}`);
      assert.is(await all(whole), text, `${size}, ${length}`);
    }
  }
});

test('an empty stream has an empty head', async () => {
  const { head, whole } = await peek((async function* () {})(), 4);
  assert.is(head.length, 0);
  assert.is(await all(whole), '');
});

test('no more is read for the head than it needs', async () => {
  const { seen, stream } = watched(5);
  await peek(stream, 6);
  assert.is(seen.read, 10);
});

test('giving up the whole gives up the stream, be it within the head or behind it', async () => {
  for (const most of [1, 2, 3, 5]) {
    const { seen, stream } = watched(5);
    const { whole } = await peek(stream, 6);
    let count = 0;
    for await (const _ of whole) if (++count === most) break;
    assert.ok(seen.closed, `after ${most} chunks`);
  }
});

test('what fails in the stream comes out where it fails', async () => {
  const failure = new AirferryError('FILE_UNREADABLE', 'the disk reports a read error');
  const { head, whole } = await peek(watched(5, failure).stream, 4);
  assert.is(Buffer.from(head).toString(), 'what');
  await refusal(() => all(whole), 'FILE_UNREADABLE');
  await refusal(() => peek(watched(5, failure).stream, 1000), 'FILE_UNREADABLE');
});

test.run();
