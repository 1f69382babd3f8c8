import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { readAll, verified } from '../../src/content/verified.ts';
import { AirferryError } from '../../src/errors.ts';
import { refusal, rubbish } from '../engine/expect.ts';
import { suite } from '../support/suite.ts';

const test = suite('verified');
const bytes = rubbish(1, 1000);
const descriptor = { mediaType: 'x', digest: digestOf(bytes), size: bytes.length };

async function* chunks(whole: Uint8Array, size = 100): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

test('sound bytes pass as they are', async () => {
  assert.equal(await drain(verified(chunks(bytes), descriptor)), bytes);
});

test('sha512 is checked by its own algorithm', async () => {
  const digest = digestOf(bytes, `sha512:${'0'.repeat(128)}`);
  assert.equal(await drain(verified(chunks(bytes), { ...descriptor, digest })), bytes);
});

test('one flipped bit is an error at the end, with the place', async () => {
  const bad = Buffer.from(bytes);
  bad[500] = (bad[500] ?? 0) ^ 1;
  const stream = verified(chunks(bad), descriptor, { file: 'site.tar', offset: 512 });
  const error = await refusal(() => drain(stream), 'DIGEST_MISMATCH', /has the content of sha256/);
  assert.equal(error.where, { file: 'site.tar', offset: 512, blob: descriptor.digest });
});

test('bytes that are missing are counted', async () => {
  await refusal(
    () => drain(verified(chunks(bytes.subarray(1)), descriptor)),
    'DIGEST_MISMATCH',
    /999 instead of 1000/,
  );
  await refusal(
    () => drain(verified(chunks(Buffer.alloc(0)), descriptor)),
    'DIGEST_MISMATCH',
    /0 instead of 1000/,
  );
});

test('no byte beyond the promised size is passed on, and the source is let go', async () => {
  let closed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield bytes;
    } finally {
      closed = true;
    }
  }
  let passed = 0;
  await refusal(
    async () => {
      for await (const chunk of verified(endless(), descriptor)) passed += chunk.length;
    },
    'DIGEST_MISMATCH',
    /more than 1000/,
  );
  assert.is(passed, 1000);
  assert.ok(closed);
});

test('what fails in the source comes through as it is', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield bytes;
    throw new AirferryError('FILE_UNREADABLE', 'the disk reports a read error');
  }
  await refusal(() => drain(verified(failing(), descriptor)), 'FILE_UNREADABLE');
});

test('reading all stops at the limit', async () => {
  assert.equal(Buffer.from((await readAll(chunks(bytes), 1000)) ?? ''), bytes);
  assert.is(await readAll(chunks(bytes), 999), undefined);
  assert.is((await readAll(chunks(Buffer.alloc(0)), 0))?.length, 0);
});

test.run();
