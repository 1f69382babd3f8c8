/** Both readers of tar over the same bytes: true archives of real writers, cut ones, and rubbish. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import * as assert from 'uvu/assert';
import { ReadFile } from '../../src/support/file.ts';
import { indexTar, type TarEntry } from '../../src/tar/index.ts';
import { walkTar } from '../../src/tar/walk.ts';
import { fileHeader, padding } from '../../src/tar/write.ts';
import { refusal, rubbish } from '../engine/expect.ts';
import { tarOf } from '../support/archives.ts';
import { processorTime } from '../support/processor-time.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { block, cut, END, extension, indexed, inMemory, outcome, padded, paxRecord, walked } from './raw.ts';

const test = suite('tar readers');
const folder = scratch();

/** Both readers must say the same of the same bytes, content included. */
async function agree(bytes: Uint8Array, chunk = 777): Promise<unknown> {
  const byIndex = await outcome(() =>
    indexTar(inMemory(bytes)).map(({ offset, ...entry }) => ({
      entry,
      content: Buffer.from(bytes.subarray(offset, offset + entry.size)),
    })),
  );
  const byWalk = await outcome(() => walked(bytes, chunk));
  assert.equal(byWalk, byIndex);
  return byIndex;
}

const LONG = `long/${'d'.repeat(120)}/${'n'.repeat(150)}`;

test('what GNU tar writes is read, in each of its formats', async () => {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'long', 'd'.repeat(120)), { recursive: true });
  writeFileSync(join(tree, 'a'), 'content of a');
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'block'), Buffer.alloc(512, 'b'), { mode: 0o755 });
  writeFileSync(join(tree, 'größe'), 'unicode');
  symlinkSync('a', join(tree, 'soft'));
  linkSync(join(tree, 'a'), join(tree, 'hard'));
  const names = ['a', 'empty', 'block', 'größe', 'soft', 'hard'];
  writeFileSync(join(tree, LONG), 'far');
  for (const format of ['gnu', 'pax', 'ustar', 'v7', 'oldgnu']) {
    const out = join(folder, `${format}.tar`);
    const all = format === 'v7' || format === 'ustar' ? names : [...names, LONG];
    execFileSync('tar', [`--format=${format}`, '-C', tree, '-cf', out, ...all], {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const file = ReadFile.open(out);
    const entries = indexTar(file);
    const content = ({ offset, size }: TarEntry): string => Buffer.from(file.readAt(offset, size)).toString();
    assert.equal(
      entries.map(entry => [entry.name, entry.type]),
      [
        ['a', 'file'],
        ['empty', 'file'],
        ['block', 'file'],
        ['größe', 'file'],
        ['soft', 'symlink'],
        ['hard', 'link'],
        ...(all.includes(LONG) ? [[LONG, 'file']] : []),
      ],
      format,
    );
    assert.is(content(entries[0] as TarEntry), 'content of a');
    assert.is(content(entries[2] as TarEntry), 'b'.repeat(512));
    assert.is(entries[2]?.mode, 0o755);
    assert.equal([entries[4]?.linkname, entries[5]?.linkname], ['a', 'a']);
    await agree(file.readAt(0, file.size));
    file.close();
  }
});

test('a file of nine gigabytes is indexed without being read, in every format that has such', () => {
  const sparse = join(folder, 'sparse');
  writeFileSync(sparse, '');
  const size = 9 * 1024 ** 3 + 5;
  for (const format of ['gnu', 'pax']) {
    const head = execFileSync('sh', [
      '-c',
      `truncate -s ${size} ${sparse}; tar --format=${format} -C ${folder} -cf - sparse | head -c 4096`,
    ]);
    const out = join(folder, `big-${format}.tar`);
    const start = head.length >= 4096 && format === 'gnu' ? 512 : 1536;
    writeFileSync(out, head.subarray(0, start));
    const end = start + size + (512 - (size % 512));
    truncateSync(out, end);
    const handle = openSync(out, 'a');
    writeSync(handle, Buffer.concat([block({ name: 'after' }), END]));
    closeSync(handle);
    const file = ReadFile.open(out);
    assert.equal(
      indexTar(file).map(({ name, size: bytes }) => [name, bytes]),
      [
        ['sparse', size],
        ['after', 0],
      ],
      format,
    );
    file.close();
  }
});

test('what tar-stream writes is read, long names and devices too', async () => {
  const archive = pack();
  archive.entry({ name: LONG }, 'far');
  archive.entry({ name: `ünï/${'x'.repeat(90)}` }, 'code');
  archive.entry({ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 });
  archive.entry({ name: 'link', type: 'symlink', linkname: 'y'.repeat(200) });
  archive.finalize();
  const bytes = Buffer.concat((await Array.fromAsync(archive)) as Buffer[]);
  const entries = indexed(bytes);
  assert.equal(
    entries.map(({ name, type }) => [name, type]),
    [
      [LONG, 'file'],
      [`ünï/${'x'.repeat(90)}`, 'file'],
      ['null', 'other'],
      ['link', 'symlink'],
    ],
  );
  assert.is(entries[3]?.linkname, 'y'.repeat(200));
  await agree(bytes);
});

test(
  'the header that airferry writes is the one that it reads, and GNU tar reads it too',
  async () => {
    const parts: Uint8Array[] = [];
    for (const [name, size] of [
      ['blobs/sha256/x', 5],
      ['empty', 0],
    ] as const)
      parts.push(await fileHeader(name, size), Buffer.alloc(size, 'z'), padding(size));
    const bytes = Buffer.concat([...parts, END]);
    assert.equal(
      indexed(bytes).map(({ name, size, mode }) => [name, size, mode]),
      [
        ['blobs/sha256/x', 5, 0o644],
        ['empty', 0, 0o644],
      ],
    );
    const listing = execFileSync('tar', ['--full-time', '--utc', '-tvf', '-'], {
      input: bytes,
      encoding: 'utf8',
    });
    assert.match(listing, /-rw-r--r-- 0\/0\s+5 1970-01-01 00:00:00 blobs\/sha256\/x/);
    const big = indexTar({
      path: 'x',
      size: 1e13,
      readAt: (at, length) => (at === 0 ? header : Buffer.alloc(length)),
    });
    assert.is(big[0]?.size, 9e12);
  },
  { timeout: 5000 },
);
const header = await fileHeader('big', 9e12);

test('sparse files of GNU tar are refused by name', async () => {
  const holes = join(folder, 'holes');
  writeFileSync(holes, 'x');
  truncateSync(holes, 1024 * 1024);
  for (const format of ['gnu', 'pax']) {
    const bytes = execFileSync('tar', [`--format=${format}`, '--sparse', '-C', folder, '-cf', '-', 'holes']);
    await refusal(() => indexed(bytes), 'ARCHIVE_INVALID', /sparse/);
    assert.is(await agree(bytes), 'ARCHIVE_INVALID');
  }
});

test('an archive without its two zero blocks is whole, one without its last padding too', async () => {
  const bytes = Buffer.concat([block({ name: 'a', size: 3 }), padded('xyz')]);
  for (const whole of [
    bytes,
    Buffer.concat([bytes, END.subarray(0, 512)]),
    bytes.subarray(0, 515),
    bytes.subarray(0, 600),
  ]) {
    assert.is(((await agree(whole)) as unknown[]).length, 1);
  }
});

test('what follows the end of an archive is left alone', async () => {
  const bytes = Buffer.concat([block({ name: 'a' }), END, rubbish(1, 5000)]);
  assert.is(((await agree(bytes)) as unknown[]).length, 1);
});

test('an empty archive has no entries, an empty file is none', async () => {
  assert.equal(await agree(END), []);
  assert.is(await agree(Buffer.alloc(0)), 'ARCHIVE_TRUNCATED');
});

test('wherever an archive is cut, both readers say the same, and none calls it whole that is not', async () => {
  const long = extension('x', paxRecord('path', LONG));
  const bytes = Buffer.concat([
    block({ name: 'a', size: 700 }),
    padded(rubbish(1, 700)),
    long,
    block({ name: 'b', size: 10 }),
    padded('0123456789'),
    extension('L', `${LONG}\0`),
    block({ name: 'c', flag: '2' }),
    block({ name: 'd', size: 512 }),
    rubbish(2, 512),
    END,
  ]);
  const whole = (await agree(bytes)) as unknown[];
  assert.is(whole.length, 4);
  for (let length = 0; length < bytes.length; length += length % 512 === 0 || length % 512 === 511 ? 1 : 51) {
    const found = await agree(bytes.subarray(0, length), 300);
    if (Array.isArray(found)) assert.equal(found, whole.slice(0, found.length));
    else assert.is(found, 'ARCHIVE_TRUNCATED', String(length));
  }
});

test('an archive of too many entries is refused by both', async () => {
  const header = block({ name: 'x' });
  const count = 200_001;
  const endless = {
    path: 'a.tar',
    size: count * 512 + 1024,
    readAt: (at: number, length: number) => (at < count * 512 ? header : Buffer.alloc(length)),
  };
  await refusal(() => indexTar(endless), 'ARCHIVE_INVALID', /more than 200000 entries/);
  const chunk = Buffer.concat(Array(2048).fill(header));
  async function* bomb(): AsyncGenerator<Uint8Array> {
    for (;;) yield chunk;
  }
  await refusal(
    async () => {
      for await (const _ of walkTar(bomb(), 'a.tar'));
    },
    'ARCHIVE_INVALID',
    /more than 200000 entries/,
  );
});

test('rubbish is refused, quickly, and nothing but an AirferryError comes of it', async () => {
  const elapsed = processorTime();
  for (let seed = 0; seed < 200; seed++) await agree(rubbish(seed, 512 * (1 + (seed % 8)) + (seed % 3)));
  assert.ok(elapsed() < 3000);
});

test('a true archive with some bytes changed is read or refused the same by both', async () => {
  const bytes = await tarOf({ [LONG]: 'far', 'a/b': rubbish(9, 1500), link: '-> a/b', 'dir/': '', ünï: 'x' });
  for (let seed = 0; seed < 400; seed++) {
    const changed = Buffer.from(bytes);
    const dice = rubbish(seed, 12);
    for (let i = 0; i < 1 + (seed % 3); i++) {
      const at = dice.readUInt32BE(i * 4) % changed.length;
      changed[at] = dice[i] ?? 0;
      // A sound checksum lets the lie through to the fields behind it.
      if (seed % 2 === 0) mendChecksum(changed, at - (at % 512));
    }
    await agree(changed, 100 + seed);
  }
});

function mendChecksum(bytes: Buffer, at: number): void {
  bytes.fill(' ', at + 148, at + 156);
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 8, 'latin1');
}

test('the size of chunks leaves no trace', async () => {
  const bytes = await tarOf({ [LONG]: 'far', 'a/b': rubbish(9, 1500), empty: '' });
  const whole = await walked(bytes, bytes.length);
  for (const size of [1, 7, 511, 512, 513, 4096])
    assert.equal(await walked(bytes, size), whole, String(size));
});

test('content that nobody reads is skipped, half-read content too', async () => {
  const bytes = await tarOf({ a: rubbish(1, 5000), b: rubbish(2, 5000), c: 'last' });
  const names: string[] = [];
  for await (const { header, body } of walkTar(cut(bytes, 1000), 'x')) {
    names.push(header.name);
    if (header.name === 'b') for await (const _ of body) break;
  }
  assert.equal(names, ['a', 'b', 'c']);
});

test('giving up a walk closes its source', async () => {
  const bytes = await tarOf({ a: rubbish(1, 5000), b: 'x' });
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield* cut(bytes, 512);
    } finally {
      closed = true;
    }
  }
  for await (const _ of walkTar(source(), 'x')) break;
  assert.ok(closed);
});

test.run();
