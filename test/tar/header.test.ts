import * as assert from 'uvu/assert';
import { safePath } from '../../src/tar/header.ts';
import { refusal } from '../engine/expect.ts';
import { suite } from '../support/suite.ts';
import { block, END, extension, indexed, padded, paxRecord } from './raw.ts';

const test = suite('tar header');

test('a ustar prefix goes before the name, a GNU header has none', () => {
  assert.is(indexed(block({ name: 'file', prefix: 'far/away' }), END)[0]?.name, 'far/away/file');
  assert.is(indexed(block({ name: 'file', prefix: 'far/away', magic: 'gnu' }), END)[0]?.name, 'file');
  assert.is(indexed(block({ name: 'file', prefix: 'far/away', magic: 'none' }), END)[0]?.name, 'file');
});

test('a name of a hundred bytes needs no NUL at its end', () => {
  assert.is(indexed(block({ name: 'n'.repeat(100) }), END)[0]?.name, 'n'.repeat(100));
});

test('types are told apart, unknown ones are others', () => {
  const types = ['0', '\0', '7', '1', '2', '5', '3', '4', '6', 'V', 'D', 'Z'].map(
    flag => indexed(block({ flag }), END)[0]?.type,
  );
  const others = Array(6).fill('other');
  assert.equal(types, ['file', 'file', 'file', 'link', 'symlink', 'directory', ...others]);
});

test('the oldest tars mark a directory by its slash alone', () => {
  assert.is(indexed(block({ name: 'dir/', magic: 'none' }), END)[0]?.type, 'directory');
});

test('links, directories and devices have no content, whatever their size field says', () => {
  for (const flag of ['1', '2', '3', '4', '5', '6']) {
    const entries = indexed(block({ name: 'a', flag, size: 700 }), block({ name: 'b' }), END);
    assert.equal(
      entries.map(({ name, size }) => [name, size]),
      [
        ['a', 0],
        ['b', 0],
      ],
      flag,
    );
  }
});

test('numbers may have spaces and zero bytes around them', () => {
  for (const size of ['0000000010\0 ', '        10 \0', '10 \0\0\0\0\0\0\0\0\0', '00000000010 '])
    assert.is(indexed(block({ size: Buffer.from(size) }), padded('12345678'), END)[0]?.size, 8, size);
});

test('a size in base 256 is read, beyond 8 GiB too', async () => {
  const size = Buffer.alloc(12);
  size[0] = 0x80;
  size.writeUInt32BE(700, 8);
  assert.is(indexed(block({ size }), Buffer.alloc(1024), END)[0]?.size, 700);
});

const ABSURD: [what: string, size: Buffer][] = [
  ['negative', Buffer.alloc(12, 0xff)],
  [
    'beyond all numbers',
    Buffer.from([0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ],
  ['in hexadecimal', Buffer.from('0x00000ff\0\0\0')],
  ['with a minus', Buffer.from('-0000000001\0')],
  ['with a digit that is not octal', Buffer.from('00000000009\0')],
  ['two numbers', Buffer.from('0000 000010\0')],
];
for (const [what, size] of ABSURD) {
  test(`a size that is ${what} is refused`, async () => {
    await refusal(() => indexed(block({ size }), END), 'ARCHIVE_INVALID', /number/);
  });
}

test('a size that the file does not have is a truncation', async () => {
  for (const size of [1, 512, 0o77777777777]) {
    const error = await refusal(
      () => indexed(block({ name: 'big', size })),
      'ARCHIVE_TRUNCATED',
      /inside "big"/,
    );
    assert.is(error.where.file, 'a.tar');
  }
});

test('a wrong checksum is refused, with the place', async () => {
  const error = await refusal(
    () => indexed(block({ name: 'fine' }), block({ checksum: 1 }), END),
    'ARCHIVE_INVALID',
    /checksum is wrong/,
  );
  assert.equal(error.where, { file: 'a.tar', offset: 512 });
});

test('long names come from GNU and from pax headers', () => {
  const long = `deep/${'n'.repeat(300)}`;
  const gnu = indexed(extension('L', `${long}\0`), extension('K', `${long}-to\0`), block({ flag: '2' }), END);
  assert.equal([gnu[0]?.name, gnu[0]?.linkname], [long, `${long}-to`]);
  const records = paxRecord('path', long) + paxRecord('linkpath', `${long}-to`) + paxRecord('mtime', '1.5');
  const pax = indexed(extension('x', records), block({ flag: '2' }), END);
  assert.equal([pax[0]?.name, pax[0]?.linkname], [long, `${long}-to`]);
});

test('a size in a pax header counts, and for its own entry alone', () => {
  const first = [extension('x', paxRecord('size', '600')), block({ name: 'a', size: 0 }), Buffer.alloc(1024)];
  const entries = indexed(...first, block({ name: 'b', size: 3 }), padded('xyz'), END);
  assert.equal(
    entries.map(({ name, size, offset }) => [name, size, offset]),
    [
      ['a', 600, 1536],
      ['b', 3, 3072],
    ],
  );
});

test('an empty value in a pax header takes back what came before, and the header itself counts', () => {
  const records = [
    ['path', 'other'],
    ['size', '7'],
    ['path', ''],
    ['linkpath', ''],
    ['size', ''],
  ].map(([key, value]) => paxRecord(key ?? '', value ?? ''));
  const own = { name: 'own', size: 3, linkname: 'to' };
  const [entry] = indexed(extension('x', records.join('')), block(own), padded('xyz'), END);
  assert.equal([entry?.name, entry?.size, entry?.linkname], ['own', 3, 'to']);
});

test('global pax headers are passed over', () => {
  assert.is(indexed(extension('g', paxRecord('path', 'all')), block({ name: 'mine' }), END)[0]?.name, 'mine');
});

const BAD_PAX: [what: string, content: string | Buffer][] = [
  ['no length', ' path=x\n'],
  ['a length of zero', '0 path=x\n'],
  ['a length beyond the header', '99 path=x\n'],
  ['a length that ends within the record', '5 path=x\n'],
  ['a negative length', '-9 path=x\n'],
  ['an endless length', `${'9'.repeat(400)} path=x\n`],
  ['no newline', '9 path=xy'],
  ['zero bytes', Buffer.alloc(20)],
  ['a size that is no number', paxRecord('size', '12abc')],
  ['a negative size', paxRecord('size', '-1')],
  ['a size beyond all numbers', paxRecord('size', '99999999999999999999')],
];
for (const [what, content] of BAD_PAX) {
  test(`a pax header with ${what} is refused`, async () => {
    await refusal(() => indexed(extension('x', content), block(), END), 'ARCHIVE_INVALID');
  });
}

test('a pax header of ten gigabytes is refused before it is read', async () => {
  for (const flag of ['x', 'g', 'L', 'K']) {
    const size = 10 * 1024 ** 3;
    await refusal(() => indexed(block({ flag, size })), 'ARCHIVE_INVALID', /claims 10737418240 bytes/);
  }
});

test('extended headers without an end are refused', async () => {
  const bomb = Array(17).fill(extension('g', paxRecord('comment', 'x')));
  await refusal(() => indexed(...bomb, block(), END), 'ARCHIVE_INVALID', /more than 16 extended headers/);
  assert.is(indexed(...bomb.slice(1), block(), END).length, 1);
});

test('sparse files are refused in both formats', async () => {
  await refusal(() => indexed(block({ flag: 'S' }), END), 'ARCHIVE_INVALID', /sparse/);
  await refusal(
    () => indexed(extension('x', paxRecord('GNU.sparse.map', '0,1')), block(), END),
    'ARCHIVE_INVALID',
    /sparse/,
  );
});

test('a name of more than 4096 characters is refused, and shortened in the message', async () => {
  const error = await refusal(
    () => indexed(extension('L', 'n'.repeat(5000)), block(), END),
    'ARCHIVE_INVALID',
    /too long a name/,
  );
  assert.ok(error.message.length < 200);
});

test('a name cannot command the terminal of who reads the message', async () => {
  const error = await refusal(
    () => indexed(block({ name: '\u001b[2Jx', flag: 'S' }), END),
    'ARCHIVE_INVALID',
  );
  assert.not.match(error.message, /\p{Cc}/u);
});

const PATHS: [name: string, safe: string | undefined][] = [
  ['a/b', 'a/b'],
  ['./a//b/.', 'a/b'],
  ['a/', 'a'],
  ['..a/b..', '..a/b..'],
  ['/etc/passwd', undefined],
  ['//x', undefined],
  ['..', undefined],
  ['../x', undefined],
  ['a/../../x', undefined],
  ['a/..', undefined],
  ['a\\..\\b', undefined],
  ['C:\\x', undefined],
  ['a\0b', undefined],
  ['', ''],
  ['./', ''],
];
for (const [name, safe] of PATHS) {
  test(`the path ${JSON.stringify(name)} ${safe === undefined ? 'leads out' : `is ${JSON.stringify(safe)}`}`, () => {
    assert.is(safePath(name), safe);
  });
}

test.run();
