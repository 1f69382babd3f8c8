import { spawnSync } from 'node:child_process';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { decompress, gzipStream, zstdStream } from '../../src/support/compress.ts';
import { refusal } from '../engine/expect.ts';
import { noise } from './archives.ts';
import { suite } from './suite.ts';

const test = suite('compress');
const MiB = 1024 * 1024;
const MAKERS = { gzip: gzipStream, zstd: zstdStream } as const;
const SYNC = { gzip: gzipSync, zstd: zstdCompressSync } as const;

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

/** Some megabytes that compress halfway: more blocks than are under way at once. */
const data = Buffer.concat(
  Array.from({ length: 13 }, (_, i) => [noise(300_000, i), Buffer.alloc(400_000, i)]).flat(),
);

for (const kind of ['gzip', 'zstd'] as const) {
  const make = MAKERS[kind];

  test(`${kind}: the tool itself finds the output sound, and gives back the input`, async () => {
    for (const input of [
      data,
      Buffer.alloc(0),
      Buffer.from('x'),
      data.subarray(0, 2 * MiB),
      data.subarray(0, 2 * MiB + 1),
    ]) {
      const output = await all(make(cut(input, 100_000)));
      const checked = spawnSync(kind, ['-t', '-q'], { input: output, encoding: 'utf8' });
      assert.is(checked.status, 0, checked.stderr);
      const plain = spawnSync(kind, ['-d', '-c'], { input: output, maxBuffer: 64 * MiB });
      assert.ok(plain.stdout.equals(input), `${input.length} bytes`);
    }
  });

  test(`${kind}: the size of chunks leaves no trace`, async () => {
    const whole = await all(make(cut(data, data.length)));
    for (const size of [99_999, MiB + 1, 4 * MiB])
      assert.ok((await all(make(cut(data, size)))).equals(whole), String(size));
  });

  test(`${kind}: chunks that are used again by who gave them do no harm`, async () => {
    async function* reused(): AsyncGenerator<Uint8Array> {
      const buffer = Buffer.alloc(MiB);
      for (let i = 0; i < 9; i++) yield buffer.fill(i);
    }
    const plain = await all(decompress(make(reused()), kind, 'x'));
    for (let i = 0; i < 9; i++)
      assert.ok(
        plain.subarray(i * MiB, (i + 1) * MiB).every(byte => byte === i),
        `block ${i}`,
      );
  });

  test(`${kind}: what was compressed comes back, cut anywhere`, async () => {
    const packed = await all(make(cut(data, MiB)));
    for (const size of [997, MiB, packed.length])
      assert.ok((await all(decompress(cut(packed, size), kind, 'x'))).equals(data), String(size));
  });

  test(`${kind}: several members or frames in a row are all read`, async () => {
    const parts = [noise(300_000), Buffer.alloc(200_000, 7), Buffer.alloc(0), Buffer.from('end')];
    const packed = Buffer.concat(parts.map(part => SYNC[kind](part)));
    for (const size of [1000, 300_000, packed.length])
      assert.ok(
        (await all(decompress(cut(packed, size), kind, 'x'))).equals(Buffer.concat(parts)),
        String(size),
      );
  });

  test(`${kind}: what fails in the source comes out, and no block is left unhandled`, async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield data.subarray(0, 5 * MiB);
      throw new AirferryError('FILE_UNREADABLE', 'the disk reports a read error');
    }
    await refusal(() => all(make(failing())), 'FILE_UNREADABLE');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield SYNC[kind](data).subarray(0, 1000);
      throw new AirferryError('FILE_UNREADABLE', 'the disk reports a read error');
    }
    await refusal(() => all(decompress(broken(), kind, 'x')), 'FILE_UNREADABLE');
    await setImmediate();
  });

  test(`${kind}: a reader that leaves early closes the source`, async () => {
    for (const through of [
      (bytes: AsyncIterable<Uint8Array>) => make(bytes),
      (bytes: AsyncIterable<Uint8Array>) => decompress(make(bytes), kind, 'x'),
    ]) {
      let closed = false;
      async function* endless(): AsyncGenerator<Uint8Array> {
        try {
          for (;;) yield data.subarray(0, MiB);
        } finally {
          closed = true;
        }
      }
      for await (const _ of through(endless())) break;
      for (let i = 0; i < 200 && !closed; i++) await sleep(10);
      assert.ok(closed);
    }
  });

  test(`${kind}: data that was cut short is told from data that is damaged`, async () => {
    const packed = await all(make(cut(data, MiB)));
    for (const length of [0, 3, 100, MiB, packed.length - 1]) {
      const error = await refusal(
        () => all(decompress(cut(packed.subarray(0, length), 65_536), kind, 'a.tar')),
        'ARCHIVE_TRUNCATED',
        /a\.tar ends too early/,
      );
      assert.match(error.suggestions[0] ?? '', new RegExp(`${kind} -t`));
    }
    await refusal(
      () => all(decompress(cut(Buffer.from('<html>not at all</html>'), 10), kind, 'a.tar')),
      'ARCHIVE_INVALID',
    );
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 200_000, 200_100);
    const outcome = await all(decompress(cut(damaged, 65_536), kind, 'a.tar')).catch(
      (error: AirferryError) => error.code,
    );
    if (kind === 'gzip') assert.is(outcome, 'ARCHIVE_INVALID');
    else assert.ok(outcome === 'ARCHIVE_INVALID' || (outcome as Buffer).length === data.length);
  });

  test(`${kind}: something else after the end is damage`, async () => {
    const packed = Buffer.concat([SYNC[kind](data), Buffer.from('something else that does not belong here')]);
    for (const size of [1000, MiB, 64 * MiB])
      await refusal(
        () => all(decompress(cut(packed, size), kind, 'a.tar')),
        'ARCHIVE_INVALID',
        new RegExp(`not valid ${kind}`),
      );
  });
}

test('gzip of nothing is a whole gzip file of nothing', async () => {
  assert.is(gunzipSync(await all(gzipStream(cut(Buffer.alloc(0), 1)))).length, 0);
});

test('gzip: a block becomes the same member alone and among others, on whatever thread', async () => {
  const members = await Array.fromAsync(gzipStream(cut(data, 100_000)));
  assert.is(members.length, Math.ceil(data.length / MiB));
  for (const [i, member] of members.entries()) {
    const block = data.subarray(i * MiB, (i + 1) * MiB);
    assert.ok((await all(gzipStream(cut(block, 100_000)))).equals(member), `block ${i}`);
  }
});

test('gzip: a process that leaves a stream in the middle ends', () => {
  const module = new URL('../../src/support/compress.ts', import.meta.url).href;
  const code = `
    import { gzipStream } from '${module}';
    async function* endless() { for (;;) yield Buffer.alloc(${MiB}, 'x'); }
    for await (const member of gzipStream(endless())) { console.log(member.length > 0); break; }`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 15_000,
  });
  assert.is(child.stdout.trim(), 'true', child.stderr);
  assert.is(child.status, 0);
});

test('zstd: skippable frames, as pzstd writes them, are passed over', async () => {
  const skip = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('12345')]);
  const empty = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  const packed = Buffer.concat([
    skip,
    zstdCompressSync(noise(200_000)),
    empty,
    zstdCompressSync('end'),
    skip,
  ]);
  const plain = Buffer.concat([noise(200_000), Buffer.from('end')]);
  for (const size of [1, 7, 1000, packed.length]) {
    if (size < 100 && packed.length > 1e5) continue;
    assert.ok((await all(decompress(cut(packed, size), 'zstd', 'x'))).equals(plain), String(size));
  }
  const small = Buffer.concat([skip, zstdCompressSync('one'), empty, zstdCompressSync('two')]);
  for (const size of [1, 2, 3, 5])
    assert.is((await all(decompress(cut(small, size), 'zstd', 'x'))).toString(), 'onetwo');
});

test('zstd: frames of the tool with checksum, without, of one repeated byte, and of unknown length are read', async () => {
  const cases: [args: string[], input: Buffer][] = [
    [['-19'], data],
    [['--no-check'], data],
    [['-1', '--no-content-size'], data],
    [['-3'], Buffer.alloc(3 * MiB, 1)],
    [['-3'], noise(3 * MiB)],
    [['-3', '-T2', '-B1MiB'], data],
  ];
  for (const [args, input] of cases) {
    const small = args.includes('-19') ? input.subarray(0, MiB) : input;
    const packed = spawnSync('zstd', ['-c', '-q', ...args], { input: small, maxBuffer: 64 * MiB }).stdout;
    const twice = Buffer.concat([packed, packed]);
    assert.ok(
      (await all(decompress(cut(twice, 50_000), 'zstd', 'x'))).equals(Buffer.concat([small, small])),
      args.join(' '),
    );
  }
});

test.run();
