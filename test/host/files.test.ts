import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readFile, writeFile, writeFiles } from '../../src/host/files.ts';
import { Secret } from '../../src/host/secret.ts';
import { suite } from '../support/suite.ts';
import { failure, SUDO_PASSWORD, site } from './site.ts';

const test = suite('host/files');

test('a file is written whole, with its mode, and nothing is left beside it', async () => {
  await using at = await site();
  const path = join(at.server.home, "it's new", 'daemon.json');
  await failure(writeFile(at.shell, path, '{}', { mode: 0o600 }), 'HOST_COMMAND_FAILED');
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i & 255));
  await writeFile(at.shell, path, bytes, { mode: 0o640, parents: true });
  assert.ok(readFileSync(path).equals(bytes));
  assert.is(statSync(path).mode & 0o7777, 0o640);
  await writeFile(at.shell, path, '', { mode: 0o755 });
  assert.is(readFileSync(path, 'utf8'), '');
  assert.equal(readdirSync(join(at.server.home, "it's new")), ['daemon.json']);
});

test('through sudo with a password the content is the same', async () => {
  await using at = await site({ privilege: 'password', target: { sudoPassword: new Secret(SUDO_PASSWORD) } });
  const path = join(at.server.home, 'file');
  await writeFile(at.shell, path, 'a\nb', { mode: 0o644 });
  assert.is((await readFile(at.shell, path, { maxBytes: 100 }))?.toString(), 'a\nb');
});

test('a link is replaced, what it led to is not touched; a folder is refused', async () => {
  await using at = await site();
  const { home } = at.server;
  writeFileSync(join(home, 'precious'), 'keep');
  symlinkSync('precious', join(home, 'link'));
  await writeFile(at.shell, join(home, 'link'), 'new', { mode: 0o644 });
  assert.is(readFileSync(join(home, 'precious'), 'utf8'), 'keep');
  assert.is(readFileSync(join(home, 'link'), 'utf8'), 'new');
  mkdirSync(join(home, 'folder'));
  symlinkSync('folder', join(home, 'to-folder'));
  await writeFile(at.shell, join(home, 'to-folder'), 'new', { mode: 0o644 });
  assert.is(readFileSync(join(home, 'to-folder'), 'utf8'), 'new');
  assert.equal(readdirSync(join(home, 'folder')), []);
  const error = await failure(
    writeFile(at.shell, join(home, 'folder'), 'x', { mode: 0o644 }),
    'HOST_COMMAND_FAILED',
  );
  assert.match(error.message, 'is a folder');
});

test('content that arrives in part leaves the old file', async () => {
  await using at = await site();
  const path = join(at.server.home, 'state.json');
  writeFileSync(path, 'old');
  at.server.install('dd', '#!/bin/sh\nhead -c 1000\n');
  await failure(writeFile(at.shell, path, Buffer.alloc(100_000), { mode: 0o644 }), 'HOST_COMMAND_FAILED');
  assert.is(readFileSync(path, 'utf8'), 'old');
  assert.not.ok(readdirSync(at.server.home).some(name => name.startsWith('.state.json')));
  at.server.faults.dropAfterStdin = 50_000;
  await failure(writeFile(at.shell, path, Buffer.alloc(100_000), { mode: 0o644 }), 'HOST_CONNECTION_LOST');
  assert.is(readFileSync(path, 'utf8'), 'old');
});

test('several files are written by one command, or none of them', async () => {
  await using at = await site();
  const { home } = at.server;
  const files = [
    { path: join(home, 'etc/docker', "it's"), content: Buffer.alloc(70_000, 7), mode: 0o600 },
    { path: join(home, 'etc/empty'), content: '', mode: 0o644 },
    { path: join(home, 'etc/last'), content: 'two\nlines\n', mode: 0o755 },
  ];
  await writeFiles(at.shell, files, { parents: true });
  for (const { path, content, mode } of files) {
    assert.ok(readFileSync(path).equals(Buffer.from(content)), path);
    assert.is(statSync(path).mode & 0o7777, mode);
  }
  assert.equal(readdirSync(join(home, 'etc')).sort(), ['docker', 'empty', 'last']);
  mkdirSync(join(home, 'folder'));
  const second = [
    { path: join(home, 'etc/new'), content: 'new', mode: 0o644 },
    { path: join(home, 'folder'), content: 'x', mode: 0o644 },
  ];
  await failure(writeFiles(at.shell, second, {}), 'HOST_COMMAND_FAILED');
  assert.equal(readdirSync(join(home, 'etc')).sort(), ['docker', 'empty', 'last']);
});

test('reading: nothing, everything, too much', async () => {
  await using at = await site();
  const path = join(at.server.home, 'file');
  assert.is(await readFile(at.shell, path, { maxBytes: 10 }), undefined);
  writeFileSync(path, '0123456789');
  assert.is((await readFile(at.shell, path, { maxBytes: 10 }))?.toString(), '0123456789');
  assert.match(
    (await failure(readFile(at.shell, path, { maxBytes: 9 }), 'HOST_COMMAND_FAILED')).message,
    'larger',
  );
  await failure(readFile(at.shell, at.server.home, { maxBytes: 9 }), 'HOST_COMMAND_FAILED');
});

test.run();
