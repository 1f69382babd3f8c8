import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  changeInPlace,
  changeLock,
  finishChange,
  journalOf,
} from '../../../src/transports/archive/journal.ts';
import { refused } from '../../bundle/rig.ts';
import { noise } from '../../support/archives.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';

const test = suite('transports/archive/journal');
const folder = scratch();
let files = 0;

const OLD = Buffer.concat([noise(100_000, 1), Buffer.alloc(3000, 'old tail ')]);
const TAIL = 100_000;
const HEAD = { offset: 512, bytes: Buffer.alloc(512, 'new head ') };

function old(): string {
  const path = join(folder, `${files++}.tar`);
  writeFileSync(path, OLD);
  return path;
}

function tail(length: number): { offset: number; bytes: Buffer } {
  return { offset: TAIL, bytes: Buffer.alloc(length, 'new tail ') };
}

function changed(length: number): Buffer {
  const whole = Buffer.concat([OLD.subarray(0, TAIL), tail(length).bytes]);
  HEAD.bytes.copy(whole, HEAD.offset);
  return whole;
}

/** The journal of such a change, kept by a second name: it is written under `.part` first, and only names are removed. */
function journalFor(length: number): Buffer {
  const path = old();
  const kept = `${path}.kept`;
  writeFileSync(`${journalOf(path)}.part`, '');
  linkSync(`${journalOf(path)}.part`, kept);
  changeInPlace(path, [HEAD, tail(length)]);
  return readFileSync(kept);
}

for (const length of [1000, 3000, 9000]) {
  test(`a tail of ${length} bytes replaces one of 3000, and nothing is left beside the file`, () => {
    const path = old();
    changeInPlace(path, [HEAD, tail(length)]);
    assert.ok(readFileSync(path).equals(changed(length)));
    assert.not(existsSync(journalOf(path)));
  });

  test(`after a crash at any byte of a change to ${length} bytes, opening the file finishes it`, () => {
    const journal = journalFor(length);
    const after = changed(length);
    const size = Math.max(OLD.length, after.length);
    const grown = Buffer.concat([OLD, Buffer.alloc(size - OLD.length)]);
    // Bytes of the head and of the tail that were written before the crash; the file has grown before that.
    for (const done of [0, 1, 300, 512, 513, 700, 512 + length - 1, 512 + length]) {
      const torn = Buffer.from(grown);
      HEAD.bytes.copy(torn, HEAD.offset, 0, Math.min(done, 512));
      tail(length).bytes.copy(torn, TAIL, 0, Math.max(0, done - 512));
      const path = old();
      writeFileSync(path, torn);
      writeFileSync(journalOf(path), journal);
      finishChange(path);
      assert.ok(readFileSync(path).equals(after), `${done} bytes`);
      assert.not(existsSync(journalOf(path)));
    }
  });
}

test('a crash while the file was growing is finished too', () => {
  const journal = journalFor(9000);
  const path = old();
  writeFileSync(path, Buffer.concat([OLD, Buffer.alloc(1234)]));
  writeFileSync(journalOf(path), journal);
  finishChange(path);
  assert.ok(readFileSync(path).equals(changed(9000)));
});

test('a journal that is beside another file than its own is taken away, and changes nothing', () => {
  const journal = journalFor(1000);
  const path = old();
  const other = noise(200_000, 9);
  writeFileSync(path, other);
  writeFileSync(journalOf(path), journal);
  finishChange(path);
  assert.ok(readFileSync(path).equals(other));
  assert.not(existsSync(journalOf(path)));
});

test('a journal that was not written to its end counts for nothing: it never got its name', () => {
  const path = old();
  writeFileSync(`${journalOf(path)}.part`, journalFor(1000).subarray(0, 700));
  finishChange(path);
  assert.ok(readFileSync(path).equals(OLD));
  changeInPlace(path, [HEAD, tail(1000)]);
  assert.ok(readFileSync(path).equals(changed(1000)));
});

test('a damaged journal is told, and nothing is written', async () => {
  const journal = journalFor(1000);
  for (const damage of [
    journal.subarray(0, -1),
    Buffer.concat([journal.subarray(0, 40), Buffer.from('x'), journal.subarray(41)]),
    Buffer.alloc(0),
    Buffer.from('{}\n'),
  ]) {
    const path = old();
    writeFileSync(journalOf(path), damage);
    await refused(() => finishChange(path), 'ARCHIVE_INVALID', 'is damaged');
    assert.ok(readFileSync(path).equals(OLD));
    rmSync(journalOf(path));
  }
});

test('where a journal cannot be written, nothing has changed', async () => {
  const path = old();
  mkdirSync(journalOf(path));
  await refused(() => changeInPlace(path, [HEAD, tail(1000)]), 'FILE_UNWRITABLE');
  assert.ok(readFileSync(path).equals(OLD));
});

test('while another process changes the file, it is not opened', async () => {
  const path = old();
  writeFileSync(journalOf(path), journalFor(1000));
  writeFileSync(changeLock(path), JSON.stringify({ machine: 'another', pid: 1, token: 'x' }));
  const error = await refused(() => finishChange(path), 'FILE_UNWRITABLE', 'has to be finished first');
  assert.match(error.message, 'held by process 1 on another');
  assert.ok(readFileSync(path).equals(OLD));
});

test('a file that became shorter than its old tail is cut to its new size', () => {
  const journal = journalFor(1000);
  const path = old();
  truncateSync(path, TAIL + 1000);
  writeFileSync(journalOf(path), journal);
  finishChange(path);
  assert.is(statSync(path).size, TAIL + 1000);
  assert.ok(readFileSync(path).equals(changed(1000)));
});

test.run();
