/** Pushing and pulling on the command line: with tokens that expire midway, and with Ctrl-C in the middle. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { noise } from '../support/archives.ts';
import { delay, type FakeRegistry, type Quirks, startFakeRegistry } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { airferry, type Ended, inFolder, saveArchive } from './airferry.ts';

const test = suite('transfers on the command line', { timeout: 60_000 });
const LOGIN = { username: 'robot$plant', password: 'word-7' };

/** An archive and a registry, in a folder of their own that is the user's home, too. */
function site(quirks: Quirks, body: (cwd: string, registry: FakeRegistry) => Promise<void>): Promise<void> {
  return inFolder(async cwd => {
    await saveArchive(join(cwd, 'a.tar'), 'site/a:1.0', noise(400_000));
    const registry = await startFakeRegistry(quirks);
    try {
      await body(cwd, registry);
    } finally {
      await registry.close();
    }
  });
}

const environment = (cwd: string): Record<string, string> => ({
  HOME: cwd,
  XDG_CACHE_HOME: join(cwd, 'cache'),
});

/** Run, and press Ctrl-C once `interrupt` has been called. */
function interruptible(
  cwd: string,
  argv: readonly string[],
): { ended: Promise<Ended>; interrupt: () => void } {
  let interrupt = (): void => undefined;
  const ended = airferry(argv, {
    cwd,
    env: environment(cwd),
    onStart: kill => {
      interrupt = () => kill('SIGINT');
    },
  });
  return { ended, interrupt: () => interrupt() };
}

test('a push and a pull go on with new tokens when theirs expire midway, with the login of Docker’s config', () =>
  site({ auth: 'bearer', login: LOGIN, tokenSeconds: 1 }, async (cwd, registry) => {
    const { address } = registry;
    const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
    await writeFile(join(cwd, 'config.json'), JSON.stringify({ auths: { [address]: { auth } } }));
    const env = { ...environment(cwd), DOCKER_CONFIG: cwd };
    registry.fault('PUT', /digest=/, delay(1_500));
    const pushed = await airferry(['image', 'push', 'a.tar', address, '--plain-http', '--json'], {
      cwd,
      env,
    });
    assert.is(pushed.status, 0, pushed.stdout);
    assert.ok(registry.manifests.get('site/a')?.has('1.0'));
    const tokens = (): number => registry.seen.filter(({ path }) => path === '/token').length;
    const before = tokens();
    assert.ok(before >= 2, `${before} tokens`);
    // The first of them has no token yet.
    registry.fault('GET', /\/manifests\//, delay(1_500), 2);
    const pull = ['image', 'pull', `${address}/site/a:1.0`, '-o', 'back.tar', '--plain-http'];
    const pulled = await airferry(pull, { cwd, env });
    assert.is(pulled.status, 0, pulled.stderr);
    assert.ok(tokens() >= before + 2, `${tokens() - before} tokens`);
    assert.not.match(pushed.stdout + pushed.stderr + pulled.stdout + pulled.stderr, /word-7|Bearer/);
    const stranger = await airferry(pull, { cwd, env: environment(cwd) });
    assert.is(stranger.status, 7, stranger.stderr);
    assert.match(stranger.stderr, `airferry registry login ${address}`);
  }));

test('Ctrl-C in the middle of a push leaves no name in the registry, and the next push goes on', () =>
  site({}, async (cwd, registry) => {
    const argv = ['image', 'push', 'a.tar', registry.address, '--plain-http'];
    const first = interruptible(cwd, argv);
    registry.fault('PUT', /digest=/, (exchange, proceed) => {
      first.interrupt();
      return delay(500)(exchange, proceed);
    });
    const { status, stderr } = await first.ended;
    assert.is(status, 130, stderr);
    assert.match(stderr, /interrupted/);
    assert.is(registry.manifests.get('site/a')?.has('1.0') ?? false, false);
    const again = await airferry(argv, { cwd, env: environment(cwd) });
    assert.is(again.status, 0, again.stderr);
    assert.ok(registry.manifests.get('site/a')?.has('1.0'));
  }));

test('Ctrl-C in the middle of a pull leaves no archive, nor a part of one', () =>
  site({}, async (cwd, registry) => {
    const { address } = registry;
    const env = environment(cwd);
    assert.is((await airferry(['image', 'push', 'a.tar', address, '--plain-http'], { cwd, env })).status, 0);
    const before = await readdir(cwd);
    const argv = ['image', 'pull', `${address}/site/a:1.0`, '-o', 'back.tar', '--plain-http'];
    const pull = interruptible(cwd, argv);
    registry.fault('GET', /\/blobs\//, (exchange, proceed) => {
      pull.interrupt();
      return delay(500)(exchange, proceed);
    });
    const { status, stderr } = await pull.ended;
    assert.is(status, 130, stderr);
    assert.equal((await readdir(cwd)).toSorted(), before.toSorted());
    const again = await airferry(argv, { cwd, env });
    assert.is(again.status, 0, again.stderr);
    assert.ok((await readdir(cwd)).includes('back.tar'));
  }));

test.run();
