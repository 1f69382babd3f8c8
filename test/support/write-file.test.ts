import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { PendingFile, unwritable } from '../../src/support/write-file.ts';
import { refusal } from '../engine/expect.ts';
import { noise } from './archives.ts';
import { scratch } from './scratch.ts';
import { suite } from './suite.ts';

const test = suite('write-file');

test('nothing stands under the name before the end, and nothing else after it', async () => {
  const folder = scratch();
  const path = join(folder, 'out');
  const file = await PendingFile.create(path);
  await file.append(Buffer.from('one '));
  await file.append(Buffer.from('two'));
  assert.not(readdirSync(folder).includes('out'));
  await file.commit();
  assert.equal(readdirSync(folder), ['out']);
  assert.is(readFileSync(path, 'utf8'), 'one two');
  assert.is(statSync(path).mode & 0o777, 0o644 & ~process.umask());
});

test('a file that stood there is replaced whole, and stays whole until then', async () => {
  const path = join(scratch(), 'out');
  writeFileSync(path, 'before');
  const file = await PendingFile.create(path);
  await file.append(Buffer.from('after'));
  assert.is(readFileSync(path, 'utf8'), 'before');
  await file.commit(0o600);
  assert.is(readFileSync(path, 'utf8'), 'after');
  assert.is(statSync(path).mode & 0o777, 0o600);
});

test('the permissions that the operator keeps back are kept back', async () => {
  const path = join(scratch(), 'out');
  const before = process.umask(0o077);
  try {
    await (await PendingFile.create(path)).commit(0o755);
  } finally {
    process.umask(before);
  }
  assert.is(statSync(path).mode & 0o777, 0o700);
});

test('what is discarded leaves nothing, whatever was under way', async () => {
  const folder = scratch();
  const file = await PendingFile.create(join(folder, 'out'));
  void file.append(noise(1_000_000));
  await file.discard();
  assert.equal(readdirSync(folder), []);
  await file.discard();
});

test('room is left and filled, what is written too much is cut off', async () => {
  const path = join(scratch(), 'out');
  const file = await PendingFile.create(path);
  file.skip(4);
  await file.append(Buffer.from('body'));
  const kept = file.position;
  await file.append(noise(100_000));
  await file.rewind(kept);
  await file.append(Buffer.from('!'));
  await file.writeAt(Buffer.from('head'), 0);
  await file.commit();
  assert.is(readFileSync(path, 'utf8'), 'headbody!');
});

test('what cannot be written is told in words', async () => {
  const folder = scratch();
  await refusal(
    () => PendingFile.create(join(folder, 'none', 'out')),
    'FILE_UNWRITABLE',
    /there is no such folder/,
  );
  writeFileSync(join(folder, 'file'), '');
  await refusal(
    () => PendingFile.create(join(folder, 'file', 'out')),
    'FILE_UNWRITABLE',
    /there is no such folder/,
  );
  mkdirSync(join(folder, 'dir'));
  await refusal(() => PendingFile.create(join(folder, 'dir')), 'FILE_UNWRITABLE', /it is a folder/);
  assert.equal(readdirSync(folder).sort(), ['dir', 'file']);
});

test('a file that cannot take its name is told in words, and leaves nothing once it is discarded', async () => {
  const folder = scratch();
  const file = await PendingFile.create(join(folder, 'out'));
  await file.append(Buffer.from('x'));
  mkdirSync(join(folder, 'out'));
  await refusal(() => file.commit(), 'FILE_UNWRITABLE', /it is a folder/);
  await file.discard();
  assert.equal(readdirSync(folder), ['out']);
});

test('each reason that a system gives has its words', () => {
  const because = (code: string) =>
    unwritable('/media/usb/site.tar', Object.assign(new Error('x'), { code }));
  assert.is(because('ENOSPC').code, 'DISK_FULL');
  assert.is(because('EDQUOT').code, 'DISK_FULL');
  assert.match(because('ENOSPC').suggestions[0] ?? '', /\/media\/usb/);
  assert.match(because('EFBIG').suggestions[0] ?? '', /FAT32/);
  assert.match(because('EROFS').message, /read-only/);
  assert.match(because('EACCES').message, /permission denied/);
  assert.match(because('EXDEV').message, /EXDEV/);
});

test('two writers of one name do not meet', async () => {
  const folder = scratch();
  const path = join(folder, 'out');
  const files = [await PendingFile.create(path), await PendingFile.create(path)];
  for (const [i, file] of files.entries()) await file.append(Buffer.from(`writer ${i}`));
  await files[1]?.commit();
  assert.is(readFileSync(path, 'utf8'), 'writer 1');
  await files[0]?.commit();
  assert.is(readFileSync(path, 'utf8'), 'writer 0');
  assert.equal(readdirSync(folder), ['out']);
});

const root = process.getuid?.() === 0;
if (root) {
  test('a full disk is told as such, and the unfinished file makes room again', async () => {
    const mount = scratch();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
    try {
      writeFileSync(join(mount, 'out'), 'before');
      const file = await PendingFile.create(join(mount, 'out'));
      await refusal(
        async () => {
          for (let i = 0; i < 4; i++) await file.append(noise(600_000));
          await file.commit();
        },
        'DISK_FULL',
        /the disk is full/,
      );
      await file.discard();
      assert.equal(readdirSync(mount), ['out']);
      assert.is(readFileSync(join(mount, 'out'), 'utf8'), 'before');
    } finally {
      execFileSync('umount', [mount]);
    }
  });
} else {
  test('a folder without permission is told as such', async () => {
    const folder = scratch();
    chmodSync(folder, 0o500);
    await refusal(() => PendingFile.create(join(folder, 'out')), 'FILE_UNWRITABLE', /permission denied/);
    chmodSync(folder, 0o700);
  });
}

test('going back waits for what is being written, which would else come over what is written next', async () => {
  const folder = scratch();
  const file = await PendingFile.create(join(folder, 'out'));
  const old = Buffer.alloc(64 * 1024 * 1024, 'old');
  await file.append(old);
  await file.rewind(0);
  assert.is(statSync(join(folder, readdirSync(folder)[0] ?? '')).size, old.length);
  file.skip(3);
  await file.writeAt(Buffer.from('new'), 0);
  await file.commit();
  assert.is(readFileSync(join(folder, 'out'), 'utf8'), 'new');
});

test.run();
