/** Random archives, randomly cut, against an independent reader; hostile names through both of airferry's. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { extract, type Header, pack } from 'tar-stream';
import * as assert from 'uvu/assert';
import { ReadFile } from '../../src/support/file.ts';
import { safePath } from '../../src/tar/header.ts';
import { indexTar } from '../../src/tar/index.ts';
import { walkTar } from '../../src/tar/walk.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../src/tar/write.ts';
import { rubbish } from '../engine/expect.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { block, END, extension, indexed, padded, paxRecord } from './raw.ts';

const test = suite('random tar');
const folder = scratch();

interface Member {
  name: string;
  type: string;
  size: number;
  linkname: string;
  content: string;
}

const WORDS = [
  'a',
  'blobs',
  'größe',
  'layer.tar',
  'x'.repeat(98),
  'y'.repeat(160),
  '日本',
  'with space',
  '..',
];
const SIZES = [0, 1, 511, 512, 513, 1024, 3000, 70_000];

/** An archive of up to 12 members by tar-stream. */
async function randomArchive(seed: number): Promise<Buffer> {
  const dice = [...rubbish(seed, 100)];
  const roll = <T>(of: readonly T[]): T => of[(dice.shift() ?? 0) % of.length] as T;
  const archive = pack();
  for (let left = 1 + roll([...Array(12).keys()]); left > 0; left--) {
    const name = Array.from({ length: roll([1, 2, 3]) }, () => roll(WORDS)).join('/');
    const type = roll(['file', 'file', 'file', 'directory', 'symlink', 'link'] as const);
    const mtime = new Date(roll([0, 1e12]));
    if (type === 'file') archive.entry({ name, mtime }, rubbish(seed + left, roll(SIZES)));
    else if (type === 'directory') archive.entry({ name: `${name}/`, type, mtime });
    else archive.entry({ name, type, linkname: roll(WORDS), mtime });
  }
  archive.finalize();
  return Buffer.concat((await Array.fromAsync(archive)) as Buffer[]);
}

/** What tar-stream reads in it. */
async function byTarStream(bytes: Buffer): Promise<Member[]> {
  const members: Member[] = [];
  const reader = extract();
  reader.end(bytes);
  for await (const entry of reader) {
    const { name, type, size, linkname } = entry.header as Header;
    const content = Buffer.concat((await Array.fromAsync(entry)) as Buffer[]).toString('hex');
    members.push({ name, type: String(type), size: size ?? 0, linkname: linkname ?? '', content });
  }
  return members;
}

/** The same bytes in chunks of random sizes, some of them empty. */
async function* shredded(bytes: Buffer, seed: number): AsyncGenerator<Uint8Array> {
  const dice = rubbish(seed, 64);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = ((dice[i % 64] ?? 0) % 8) ** 3 * ((dice[(i * 7) % 64] ?? 0) % 60);
    yield bytes.subarray(at, at + size);
    if (size === 0) yield bytes.subarray(at, at + 1);
    at += Math.max(1, size);
  }
}

test('random archives are read as tar-stream reads them, by both readers, in whatever pieces they come', async () => {
  for (let seed = 1; seed <= 120; seed++) {
    const bytes = await randomArchive(seed);
    const expected = await byTarStream(bytes);
    const found = indexed(bytes).map(({ name, type, size, linkname, offset }) => {
      const content = bytes.subarray(offset, offset + size).toString('hex');
      return { name, type, size, linkname, content };
    });
    // tar-stream gives directories without their slash.
    const bare = (members: Member[]) =>
      members.map(member => ({ ...member, name: member.name.replace(/\/$/, '') }));
    assert.equal(bare(found), bare(expected), `seed ${seed}`);
    const passed: Member[] = [];
    for await (const { header, body } of walkTar(shredded(bytes, seed), 'a.tar')) {
      const { name, type, size, linkname } = header;
      const content = Buffer.concat(await Array.fromAsync(body)).toString('hex');
      passed.push({ name, type, size, linkname, content });
    }
    assert.equal(passed, found, `seed ${seed}`);
  }
});

test('names that lead out of the archive are told as they are, and none of them is safe', () => {
  const hostile = ['/etc/passwd', '../../etc/passwd', 'a/../../b', '..', 'C:\\Windows', '\\\\host\\share'];
  for (const name of hostile) {
    for (const way of [
      [block({ name })],
      [extension('L', `${name}\0`), block({ name: 'fine' })],
      [extension('x', paxRecord('path', name)), block({ name: 'fine' })],
      [extension('x', paxRecord('path', 'fine')), extension('L', name), block({ name: 'fine' })],
    ]) {
      const read = indexed(...way, END)[0]?.name;
      assert.is(read, name);
      assert.is(safePath(read ?? ''), undefined, read);
    }
  }
  for (const [prefix, name] of [
    ['..', 'etc'],
    ['/etc', 'passwd'],
    ['a', '../../b'],
  ] as const) {
    const read = indexed(block({ prefix, name }), END)[0]?.name;
    assert.is(read, `${prefix}/${name}`);
    assert.is(safePath(read ?? ''), undefined, read);
  }
  const hidden = indexed(extension('x', paxRecord('path', 'fine\0/../../etc')), block(), END)[0]?.name ?? '';
  assert.is(safePath(hidden), undefined, 'a zero byte hides nothing');
});

test('content whose size is told twice is taken by the extended header, and its blocks are not read as headers', () => {
  const smuggled = Buffer.concat([block({ name: 'smuggled' }), Buffer.alloc(512)]);
  const entries = indexed(
    extension('x', paxRecord('size', String(smuggled.length))),
    block({ name: 'outer', size: 0 }),
    smuggled,
    block({ name: 'after', size: 1 }),
    padded('x'),
    END,
  );
  assert.equal(
    entries.map(({ name, size }) => [name, size]),
    [
      ['outer', 1024],
      ['after', 1],
    ],
  );
});

test('GNU tar reads the headers that airferry writes, on either side of 8 GiB', async () => {
  for (const size of [8 * 1024 ** 3 - 1, 8 * 1024 ** 3, 20 * 1024 ** 3 + 1]) {
    const out = join(folder, `${size}.tar`);
    writeFileSync(out, await fileHeader('blobs/sha256/big', size, 0o600));
    truncateSync(out, 512 + size);
    const handle = openSync(out, 'a');
    writeSync(handle, padding(size));
    writeSync(handle, await fileHeader('after', 0));
    writeSync(handle, END_OF_ARCHIVE);
    closeSync(handle);
    const listing = execFileSync('tar', ['-tvf', out], { encoding: 'utf8' }).split('\n');
    assert.match(listing[0] ?? '', new RegExp(`^-rw------- 0/0\\s+${size} .* blobs/sha256/big$`));
    assert.match(listing[1] ?? '', / after$/);
    const file = ReadFile.open(out);
    assert.equal(
      indexTar(file).map(entry => [entry.name, entry.size, entry.mode]),
      [
        ['blobs/sha256/big', size, 0o600],
        ['after', 0, 0o644],
      ],
    );
    file.close();
    truncateSync(out, 0);
  }
});

test.run();
