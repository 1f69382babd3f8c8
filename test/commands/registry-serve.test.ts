import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { airferry, ENTRY, type Ended, inFolder, saveArchive, writeRecipe } from './airferry.ts';

const test = suite('registry serve');

interface Running {
  /** All of stdout so far. */
  said: string;
  /** Send a signal, and wait for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

/** Start the command, and wait until it says that it serves. */
async function start(cwd: string, argv: string[]): Promise<Running> {
  const child = spawn(process.execPath, [ENTRY, 'registry', 'serve', ...argv], {
    cwd,
    env: { PATH: process.env.PATH, HOME: tmpdir(), LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended: Ended = { status: null, stdout: '', stderr: '' };
  child.stderr.on('data', text => {
    ended.stderr += text;
  });
  child.stdout.on('data', text => {
    ended.stdout += text;
  });
  const closed = once(child, 'close').then(([status]) => {
    ended.status = status;
  });
  const last = argv.includes('--json') ? /^\}$/m : /Ctrl-C ends it/;
  while (!last.test(ended.stdout)) {
    if (ended.status !== null) throw new Error(ended.stderr);
    await Promise.race([once(child.stdout, 'data'), closed]);
  }
  return {
    said: ended.stdout,
    async stop(signal = 'SIGINT') {
      child.kill(signal);
      await closed;
      return ended;
    },
  };
}

const LISTEN = ['--listen', '127.0.0.1:0'];

test('a saved archive is served until Ctrl-C, and every request is told under --verbose', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'a.tar'), 'site/a:1.0');
    const running = await start(cwd, ['a.tar', ...LISTEN, '--verbose']);
    const [, address = ''] =
      /http:\/\/(127\.0\.0\.1:\d+) serves docker-archive:a\.tar/.exec(running.said) ?? [];
    assert.match(running.said, `docker pull ${address}/site/a:1.0`);
    const answer = await fetch(`http://${address}/v2/site/a/manifests/1.0?secret=x`);
    assert.is(answer.status, 200);
    await answer.arrayBuffer();
    const { status, stderr } = await running.stop();
    assert.is(status, 130);
    assert.match(stderr, /^GET \/v2\/site\/a\/manifests\/1\.0 200 \d+ B \d+ ms$/m);
    assert.not.match(stderr, 'secret');
    assert.not.match(stderr, 'error');
  }));

test('--json prints one document, once it listens; a storage is free again after SIGTERM', () =>
  inFolder(async cwd => {
    for (let i = 0; i < 2; i++) {
      const running = await start(cwd, ['--storage', 'hub', ...LISTEN, '--json']);
      const { address, url, writable, loopback, repositories } = JSON.parse(running.said);
      assert.equal({ url, writable, loopback }, { url: `http://${address}`, writable: true, loopback: true });
      assert.equal(repositories, []);
      assert.is((await fetch(`${url}/v2/`)).status, 200);
      if (i === 0) {
        const second = await airferry(['registry', 'serve', '--storage', 'hub', ...LISTEN], { cwd });
        assert.is(second.status, 1);
        assert.match(second.stderr, /in use by process \d+/);
      }
      const { status, stdout } = await running.stop('SIGTERM');
      assert.is(status, 130);
      assert.is(stdout, running.said);
    }
  }));

test('what cannot be served is told, with what to do instead', () =>
  inFolder(async cwd => {
    const wrong: [argv: string[], status: number, said: RegExp][] = [
      [[], 2, /say what to serve/],
      [['a.tar', '--tls-cert', 'x'], 2, /tls-key/],
    ];
    for (const [argv, status, said] of wrong) {
      const ended = await airferry(['registry', 'serve', ...argv], { cwd });
      assert.is(ended.status, status, `${argv.join(' ')}\n${ended.stderr}`);
      assert.match(ended.stderr, said);
      assert.is(ended.stdout, '');
    }
  }));

test('layers that a bundle leaves out are served from its base', () =>
  inFolder(async cwd => {
    // Smaller layers are not left out.
    await saveArchive(join(cwd, 'a.tar'), 'site/a:1.0', randomBytes(200_000));
    await writeRecipe(cwd, ['a.tar']);
    for (const argv of [
      ['-o', 'old.tar'],
      ['-o', 'new.tar', '--base', 'old.tar'],
    ]) {
      const { status, stderr } = await airferry(['bundle', 'create', ...argv], { cwd });
      assert.is(status, 0, stderr);
    }
    const without = await airferry(['registry', 'serve', 'new.tar', ...LISTEN], { cwd });
    assert.is(without.status, 3);
    assert.match(without.stderr.replace(/\s+/g, ' '), /leaves out 1 blob of .* and no base has them/);
    assert.match(without.stderr, '--base FILE');
    const serving = await start(cwd, ['new.tar', '--base', 'old.tar', '--listen', '127.0.0.1:0', '--json']);
    const { url } = JSON.parse(serving.said);
    const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
    const manifest = await fetch(`${url}/v2/site/a/manifests/1.0`, { headers });
    const { layers } = (await manifest.json()) as { layers: { digest: string; size: number }[] };
    const blob = await fetch(`${url}/v2/site/a/blobs/${layers[0]?.digest}`);
    assert.is(blob.status, 200);
    assert.is((await blob.arrayBuffer()).byteLength, layers[0]?.size);
    await serving.stop();
  }));

test.run();
