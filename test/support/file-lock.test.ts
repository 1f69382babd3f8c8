import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { withFileLock, withFileLockNow } from '../../src/support/file-lock.ts';
import { refused } from '../bundle/rig.ts';
import { scratch } from './scratch.ts';
import { suite } from './suite.ts';

const test = suite('support/file-lock');
const folder = scratch();
const MODULE = new URL('../../src/support/file-lock.ts', import.meta.url).href;

test('the lock is there while the work is done, and gone afterwards, however that ends', async () => {
  const lock = join(folder, 'a');
  assert.is(await withFileLock(lock, async () => existsSync(lock)), true);
  assert.is(existsSync(lock), false);
  await refused(
    () =>
      withFileLock(lock, async () => {
        throw await refused(() => withFileLockNow(lock, () => 1), 'FILE_UNWRITABLE', 'is held by process');
      }),
    'FILE_UNWRITABLE',
  );
  assert.is(existsSync(lock), false);
});

test('processes that count in one file lose no step', async () => {
  const [lock, count] = [join(folder, 'b'), join(folder, 'steps')];
  writeFileSync(count, '0');
  const script = `
    const { withFileLock } = await import(${JSON.stringify(MODULE)});
    const { readFileSync, writeFileSync } = await import('node:fs');
    for (let i = 0; i < 20; i++) await withFileLock(${JSON.stringify(lock)}, async () => {
      const now = Number(readFileSync(${JSON.stringify(count)}, 'utf8'));
      await new Promise(resolve => setImmediate(resolve));
      writeFileSync(${JSON.stringify(count)}, String(now + 1));
    });`;
  const ends = Array.from({ length: 4 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    return new Promise(resolve => child.on('close', resolve));
  });
  assert.equal(await Promise.all(ends), [0, 0, 0, 0]);
  assert.is(readFileSync(count, 'utf8'), '80');
});

test('the lock of a process that was killed is taken over', async () => {
  const lock = join(folder, 'c');
  const script = `
    const { withFileLock } = await import(${JSON.stringify(MODULE)});
    await withFileLock(${JSON.stringify(lock)}, async () => process.kill(process.pid, 'SIGKILL'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await new Promise(resolve => child.on('close', resolve));
  assert.ok(existsSync(lock));
  assert.is(await withFileLock(lock, async () => 1, { patience: 0 }), 1);
  assert.equal(
    readdirSync(folder).filter(name => name.startsWith('c')),
    [],
  );
});

test('a lock of another machine is not broken, and its holder is named', async () => {
  const lock = join(folder, 'd');
  writeFileSync(lock, JSON.stringify({ machine: 'laptop boot pid', pid: 4711, token: 'x' }));
  const error = await refused(
    () => withFileLock(lock, async () => 1, { patience: 50 }),
    'FILE_UNWRITABLE',
    'process 4711 on laptop',
  );
  assert.match(error.suggestions.join(' '), `rm ${lock}`);
  assert.ok(existsSync(lock));
});

test('a lock without a name in it is waited for while it is young, and void when it is old', async () => {
  const lock = join(folder, 'e');
  writeFileSync(lock, '');
  await refused(() => withFileLock(lock, async () => 1, { patience: 0 }), 'FILE_UNWRITABLE');
  utimesSync(lock, 1, 1);
  assert.is(await withFileLock(lock, async () => 1, { patience: 0 }), 1);
});

test('where no lock can be made, the error says why', async () => {
  await refused(
    () => withFileLock(join(folder, 'none/x'), async () => 1),
    'FILE_UNWRITABLE',
    'no such folder',
  );
});

test('waiting can be stopped', async () => {
  const lock = join(folder, 'f');
  writeFileSync(lock, JSON.stringify({ machine: 'laptop', pid: 1, token: 'x' }));
  const signal = AbortSignal.timeout(30);
  try {
    await withFileLock(lock, async () => 1, { signal });
    assert.unreachable();
  } catch (error) {
    assert.is(error, signal.reason);
  }
});

test.run();
