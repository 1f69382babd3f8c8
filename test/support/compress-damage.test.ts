/** Compressed data that was cut or changed on its way: told as such, whatever byte it was, and never quietly cut short. */
import { spawnSync } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { decompress, gzipStream, zstdStream } from '../../src/support/compress.ts';
import { refusal, rubbish } from '../engine/expect.ts';
import { suite } from './suite.ts';

const test = suite('compress damage');
const plain = Buffer.concat([rubbish(1, 6000), Buffer.alloc(5000, 'again and '), rubbish(2, 3000)]);

/** Files of two members or frames, each with a checksum of its content. */
const HALVES = [plain.subarray(0, 9000), plain.subarray(9000)];
const MEMBERS = {
  gzip: HALVES.map(half => gzipSync(half)),
  zstd: HALVES.map(half => spawnSync('zstd', ['-c', '-q', '--check'], { input: half }).stdout),
};

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

/** The content, or the code of the refusal; anything else that is thrown comes out. */
async function outcome(kind: 'gzip' | 'zstd', packed: Uint8Array, size: number): Promise<Buffer | string> {
  try {
    return await all(decompress(cut(packed, size), kind, 'a.tar'));
  } catch (error) {
    if (error instanceof AirferryError) return error.code;
    throw error;
  }
}

for (const kind of ['gzip', 'zstd'] as const) {
  const packed = Buffer.concat(MEMBERS[kind]);
  const border = MEMBERS[kind][0]?.length ?? 0;

  test(`${kind}: cut anywhere, it is called cut short, except where a member or frame ends`, async () => {
    const near = Array.from({ length: 24 }, (_, i) => border - 12 + i);
    const far = Array.from({ length: Math.floor(packed.length / 37) }, (_, i) => i * 37);
    for (const length of [...near, ...far]) {
      const found = await outcome(kind, packed.subarray(0, length), length % 2 === 0 ? 1000 : 100_000);
      if (length === border) assert.is(found.length, 9000, 'a whole one');
      else assert.is(found, 'ARCHIVE_TRUNCATED', `${length} bytes, border at ${border}`);
    }
  });

  test(`${kind}: one byte changed is refused, or it changed nothing of the content`, async () => {
    const dice = rubbish(7, 2000);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      const changed = Buffer.from(packed);
      // The first bytes are headers, where a change does most.
      const at = i < 60 ? i % 30 : dice.readUInt32LE(i * 4) % packed.length;
      changed[at] = (changed[at] ?? 0) ^ (1 << (i % 8));
      const found = await outcome(kind, changed, 500 + i);
      if (typeof found === 'string') {
        refused++;
        assert.match(found, /^ARCHIVE_(?:INVALID|TRUNCATED)$/);
      } else assert.ok(found.equals(plain), `byte ${at} of ${packed.length}: ${found.length} bytes came`);
    }
    assert.ok(refused > 300, `${refused} of 400 refused`);
  });

  test(`${kind}: rubbish behind a true beginning is refused`, async () => {
    const head = { gzip: [0x1f, 0x8b, 8, 0], zstd: [0x28, 0xb5, 0x2f, 0xfd] }[kind];
    for (let seed = 0; seed < 100; seed++) {
      const found = await outcome(kind, Buffer.concat([Buffer.from(head), rubbish(seed, 300)]), 50);
      assert.type(found, 'string', `seed ${seed}`);
    }
  });

  test(`${kind}: many readers that leave early, at any point, leave nothing behind`, async () => {
    const make = { gzip: gzipStream, zstd: zstdStream }[kind];
    const failure = new AirferryError('FILE_UNREADABLE', 'the disk reports a read error');
    async function* source(chunks: number): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < chunks; i++) yield Buffer.alloc(1024 * 1024, i);
      throw failure;
    }
    for (let most = 1; most <= 4; most++) {
      let count = 0;
      for await (const _ of make(source(30))) if (++count === most) break;
      await refusal(() => all(make(source(most))), 'FILE_UNREADABLE');
    }
    await setImmediate();
    assert.equal(
      process.getActiveResourcesInfo().filter(name => /zlib|file|fsreq/i.test(name)),
      [],
    );
  });
}

test.run();
