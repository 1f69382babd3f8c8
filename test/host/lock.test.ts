import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isVoid, type LockOwner, machineIdentity, parseOwner, takeLock } from '../../src/host/lock.ts';
import { suite } from '../support/suite.ts';
import { failure, type Site, site } from './site.ts';

const test = suite('host/lock');

const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const someone: LockOwner = {
  operator: 'alice@elsewhere',
  machine: 'elsewhere',
  pid: 4242,
  since: '2026-11-20T21:00:00.000Z',
  purpose: 'host install',
  boot,
  token: 'their-token',
};

function hold(at: Site, owner: LockOwner): string {
  const path = join(at.server.home, 'airferry.lock');
  mkdirSync(path);
  const { boot: first, ...details } = owner;
  writeFileSync(join(path, 'owner'), `${first}\n${JSON.stringify(details)}\n`);
  return path;
}

test('of several who ask at once one gets the lock, and gives it back', async () => {
  await using at = await site();
  const path = join(at.server.home, "it's.lock");
  const asked = await Promise.allSettled(
    [1, 2, 3, 4].map(n => takeLock(at.shell, { purpose: `install ${n}`, path })),
  );
  const won = asked.filter(result => result.status === 'fulfilled');
  assert.is(won.length, 1);
  await won[0]?.value.release();
  await won[0]?.value.release();
  assert.not.ok(existsSync(path));
  {
    await using _lock = await takeLock(at.shell, { purpose: 'install', path });
    assert.is(parseOwner(readFileSync(join(path, 'owner'), 'utf8'))?.pid, process.pid);
  }
  assert.not.ok(existsSync(path));
});

test('a held lock names its owner and how to break it', async () => {
  await using at = await site();
  const path = hold(at, someone);
  const error = await failure(takeLock(at.shell, { purpose: 'uninstall', path }), 'HOST_LOCKED');
  assert.match(error.message, /alice@elsewhere .*2026-11-20.*"host install".*4242/);
  assert.match(error.suggestions.join(), /--break-lock/);
  assert.match(error.suggestions.join(), `rm -r ${path}`);
  assert.ok(existsSync(path));
});

test('a lock may be broken when that is asked for, and whose it was is told', async () => {
  await using at = await site();
  const path = hold(at, someone);
  const lock = await takeLock(at.shell, { purpose: 'install', path, breakLock: true });
  assert.is(lock.displaced?.owner.operator, 'alice@elsewhere');
  assert.is(lock.displaced?.void, false);
  assert.is(parseOwner(readFileSync(join(path, 'owner'), 'utf8'))?.pid, process.pid);
  await lock.release();
  mkdirSync(path);
  const nameless = await takeLock(at.shell, { purpose: 'install', path, breakLock: true });
  assert.is(nameless.displaced?.owner.operator, 'somebody unknown');
  await nameless.release();
  assert.not.ok(existsSync(path));
  const free = await takeLock(at.shell, { purpose: 'install', path, breakLock: true });
  assert.is(free.displaced, undefined);
  await free.release();
});

test('a lock without details is held all the same', async () => {
  await using at = await site();
  const path = join(at.server.home, 'airferry.lock');
  mkdirSync(path);
  assert.match(
    (await failure(takeLock(at.shell, { purpose: 'x', path }), 'HOST_LOCKED')).message,
    'not known',
  );
});

test('a lock from before the last boot is cleared away', async () => {
  await using at = await site();
  const path = hold(at, { ...someone, boot: '00000000-0000-0000-0000-000000000000' });
  await (await takeLock(at.shell, { purpose: 'x', path })).release();
  assert.not.ok(existsSync(path));
});

test('a lock of a process of this machine that is gone is cleared away', async () => {
  await using at = await site();
  const gone = spawnSync('true').pid;
  const path = hold(at, { ...someone, machine: machineIdentity(), pid: gone });
  await (await takeLock(at.shell, { purpose: 'x', path })).release();
  assert.ok(isVoid({ ...someone, machine: machineIdentity(), pid: gone }, boot));
  assert.not.ok(isVoid({ ...someone, pid: gone }, boot));
  assert.not.ok(isVoid({ ...someone, machine: '', pid: gone }, boot));
});

test('a lock that could not be given back, since the connection was gone, is no obstacle to the next try', async () => {
  await using at = await site();
  const path = join(at.server.home, 'airferry.lock');
  const lock = await takeLock(at.shell, { purpose: 'x', path });
  await failure(takeLock(at.shell, { purpose: 'y', path }), 'HOST_LOCKED');
  at.server.cut();
  await failure(lock.release(), 'HOST_CONNECTION_LOST');
  await (await takeLock(await at.reconnect(), { purpose: 'x', path })).release();
});

test('releasing leaves a lock that somebody else has taken since', async () => {
  await using at = await site();
  const path = join(at.server.home, 'airferry.lock');
  const lock = await takeLock(at.shell, { purpose: 'x', path });
  writeFileSync(join(path, 'owner'), `${boot}\n${JSON.stringify(someone)}\n`);
  await lock.release();
  assert.ok(existsSync(path));
});

test('a place where no lock can be made is an error of its own', async () => {
  await using at = await site();
  await failure(takeLock(at.shell, { purpose: 'x', path: '/proc/airferry.lock' }), 'HOST_COMMAND_FAILED');
});

test('details that are none are no owner', () => {
  for (const text of ['', 'x', 'x\nnull', 'x\n{}', `${boot}\n{"pid":"1"}`])
    assert.is(parseOwner(text), undefined);
});

test.run();
