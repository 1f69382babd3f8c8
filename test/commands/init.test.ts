import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { airferry, inFolder } from './airferry.ts';

const test = suite('init, update and cache', { timeout: 60_000 });

test('init without a terminal asks nothing, and writes what parses', () =>
  inFolder(async cwd => {
    const first = await airferry(
      ['init', '--image', 'nginx:1.25', '--host', 'ops@10.77.0.11', '--engine', '20.10.24'],
      { cwd },
    );
    assert.is(first.status, 0, first.stderr);
    assert.match(first.stdout, /bundle\.yaml is written\n.*fleet\.yaml is written/s);
    assert.match(await readFile(join(cwd, 'bundle.yaml'), 'utf8'), /version: 20\.10\.24/);
    const second = await airferry(['init', '--json'], { cwd });
    assert.is(second.status, 1);
    assert.is(JSON.parse(second.stdout).error.code, 'FILE_UNWRITABLE');
  }));

test('the folder is made; what cannot be one is told', () =>
  inFolder(async cwd => {
    const made = await airferry(['init', '--dir', 'new/site', '--engine', '20.10.24'], { cwd });
    assert.is(made.status, 0, made.stderr);
    assert.match(await readFile(join(cwd, 'new/site/bundle.yaml'), 'utf8'), /version: 20\.10\.24/);
    const wrong = await airferry(['init', '--dir', 'new/site/bundle.yaml/x', '--json'], { cwd });
    assert.is(wrong.status, 1);
    assert.is(JSON.parse(wrong.stdout).error.code, 'FILE_UNWRITABLE');
  }));

test('a host that cannot be reached is an error, and nothing is written', () =>
  inFolder(async cwd => {
    const { status, stdout } = await airferry(['init', '--from-host', 'ops@127.0.0.1:1', '--json'], { cwd });
    assert.is(status, 6);
    assert.is(JSON.parse(stdout).error.code, 'HOST_UNREACHABLE');
    await readFile(join(cwd, 'bundle.yaml')).then(
      () => assert.unreachable(),
      () => undefined,
    );
  }));

test('create --locked and bundle update speak of the lock; the cache is listed and pruned', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'bundle.yaml'), 'name: a\nversion: "1"\nengine: { version: 28.5.2 }\n');
    const env = {
      XDG_CACHE_HOME: join(cwd, 'cache'),
      AIRFERRY_MIRROR_DOWNLOAD_DOCKER_COM: 'http://127.0.0.1:1/',
    };
    const locked = await airferry(['bundle', 'create', '-o', 'x.tar', '--locked', '--json'], { cwd, env });
    assert.equal([locked.status, JSON.parse(locked.stdout).error.code], [3, 'LOCK_INCOMPLETE']);
    const update = await airferry(['bundle', 'update', '--dry-run'], { cwd, env });
    assert.equal([update.status, update.stderr], [0, '']);
    assert.match(
      update.stdout,
      /bundle\.lock\.yaml is up to date.*\n.*docker-28\.5\.2\.tgz is pinned when it is fetched/,
    );
    const failed = await airferry(['bundle', 'update', '--json'], { cwd, env });
    assert.equal([failed.status, JSON.parse(failed.stdout).error.code], [3, 'DOWNLOAD_FAILED']);
    const listed = await airferry(['cache', 'list', '--json'], { cwd, env });
    assert.is(JSON.parse(listed.stdout).folder, join(cwd, 'cache/airferry'));
    const pruned = await airferry(['cache', 'prune', '--older-than', '1w', '--keep', '1GB'], { cwd, env });
    assert.match(pruned.stdout, /0 entries of 0 B were removed/);
    const wrong = await airferry(['cache', 'prune', '--older-than', 'soon'], { cwd, env });
    assert.is(wrong.status, 2);
  }));

test('variables are set on the command line', () =>
  inFolder(async cwd => {
    await writeFile(
      join(cwd, 'bundle.yaml'),
      'name: a\nversion: "$V"\nfiles: [{ from: ./bundle.yaml, to: /etc/x }]\n',
    );
    const missing = await airferry(['bundle', 'create', '-o', 'x.tar', '--json'], { cwd });
    assert.match(JSON.parse(missing.stdout).error.message, /needs the variable V/);
    const made = await airferry(['bundle', 'create', '-o', 'x.tar', '--set', 'V=7', '--json'], { cwd });
    assert.is(JSON.parse(made.stdout).version, '7');
  }));

test.run();
