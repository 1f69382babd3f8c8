/** What only shows on a terminal: `script` (bsdutils) gives airferry one. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';
import { loadRecipe } from '../../src/config/recipe.ts';
import { quote } from '../../src/host/quote.ts';
import { newKey, SshServer } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';
import { ENTRY, inFolder, saveArchive, writeRecipe } from './airferry.ts';

const test = suite('on a terminal', { timeout: 60_000 });

interface Typing {
  cwd?: string;
  /** Once this shows, the keys are typed. */
  prompt?: string;
  keys?: string;
  /** What is typed after that, each once its prompt shows. */
  more?: readonly (readonly [prompt: string, keys: string])[];
  env?: object;
}

/** Run airferry on a terminal, and type. stdout and stderr come as one. */
function onTerminal(
  argv: readonly string[],
  { cwd, prompt, keys = '', more = [], env = {} }: Typing = {},
): Promise<{ status: number | null; screen: string }> {
  const toType = [...(prompt === undefined ? [] : [[prompt, keys] as const]), ...more];
  return new Promise(resolve => {
    const line = [process.execPath, ENTRY, ...argv].map(quote).join(' ');
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      cwd,
      env: { PATH: process.env.PATH, HOME: '/tmp', LANG: 'C.UTF-8', TERM: 'xterm', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let screen = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      screen += text;
      const [next] = toType;
      if (!next || !stripVTControlCharacters(screen).includes(next[0])) return;
      toType.shift();
      child.stdin.write(next[1]);
    });
    child.on('close', status => resolve({ status, screen }));
  });
}

test('progress is one line that is written over, and gone at the end', () =>
  inFolder(async cwd => {
    await saveArchive(
      join(cwd, 'big.tar'),
      'site/big:1.0',
      Buffer.from(randomBytes(20_000_000).toString('hex')),
    );
    await writeRecipe(cwd, ['big.tar']);
    const { status, screen } = await onTerminal(['bundle', 'create', '-o', 'site.tar'], { cwd });
    assert.is(status, 0, screen);
    assert.match(screen, /\rPacking {2}.*\d+%.* MB of 40\.0 MB/);
    const last = screen.slice(screen.lastIndexOf('\u001b[K'));
    assert.match(stripVTControlCharacters(last), /^✔ site\.tar holds plant-7 2026\.11/);
  }));

test('colour is there, and NO_COLOR takes it away', async () => {
  const argv = ['image', 'list', '/nowhere.tar'];
  assert.match((await onTerminal(argv)).screen, '\u001b[31merror: ');
  assert.match((await onTerminal(argv, { env: { NO_COLOR: '1' } })).screen, /^error: /);
});

test('init asks for what no flag says, and Enter takes what it proposes', () =>
  inFolder(async cwd => {
    const { status, screen } = await onTerminal(['init', '--host', 'ops@10.77.0.11'], {
      cwd,
      prompt: 'Name of the bundle [site]:',
      keys: 'plant-7\r',
      more: [
        ['Its version [1]:', '\r'],
        ['Platforms of the hosts [linux/amd64]:', 'linux/amd64 linux/arm64\r'],
        ['Version of the engine', '\r'],
        ['Version of compose', 'none\r'],
        ['Template of daemon.json [default]:', '\r'],
        ['Images, as nginx:1.25', 'nginx:1.25 redis\r'],
        ["The site's registry", '\r'],
      ],
    });
    assert.is(status, 0, screen);
    assert.match(stripVTControlCharacters(screen), 'Next: airferry bundle create -o site.tar');
    const recipe = await loadRecipe(join(cwd, 'bundle.yaml'), { env: {} });
    assert.equal(
      [recipe.name, recipe.version, recipe.platforms, recipe.compose],
      ['plant-7', '1', ['linux/amd64', 'linux/arm64'], undefined],
    );
    assert.match(recipe.engine?.version ?? '', /^\d+\.\d+\.\d+$/);
    assert.match(await readFile(join(cwd, 'bundle.yaml'), 'utf8'), /nginx:1\.25[\s\S]*redis/);
    assert.match(await readFile(join(cwd, 'fleet.yaml'), 'utf8'), '10.77.0.11');
  }));

test('uninstalling asks, and no means no', async () => {
  const argv = ['host', 'uninstall', '-H', 'ops@127.0.0.1:1'];
  const { status, screen } = await onTerminal(argv, { prompt: '(y/N)', keys: 'n\r' });
  assert.is(status, 130);
  assert.match(stripVTControlCharacters(screen), 'Remove the engine from 127.0.0.1:1?');
  assert.match(stripVTControlCharacters(screen), 'not confirmed; nothing was done');
});

test('Ctrl-C at a question is an interruption', async () => {
  const argv = ['host', 'uninstall', '-H', 'ops@127.0.0.1:1'];
  const { status, screen } = await onTerminal(argv, { prompt: '(y/N)', keys: '\u0003' });
  assert.is(status, 130);
  assert.match(stripVTControlCharacters(screen), 'error: interrupted; nothing was done');
});

test('a password is asked for and never shown', async () => {
  const argv = ['host', 'status', '-H', 'ops@127.0.0.1:1', '--ask-password'];
  const { status, screen } = await onTerminal(argv, { prompt: 'SSH password:', keys: 'ferry-secret\r' });
  assert.is(status, 6, screen);
  assert.not.match(screen, 'ferry-secret');
  assert.match(stripVTControlCharacters(screen), '************');
});

test('the passphrase of a key is asked for once for all hosts, and never shown', () =>
  inFolder(async cwd => {
    const pair = newKey('ed25519', 'sesame');
    await using one = await SshServer.start({ authorizedKeys: [pair.public] });
    await using two = await SshServer.start({ authorizedKeys: [pair.public] });
    await writeFile(join(cwd, 'key'), pair.private, { mode: 0o600 });
    await writeFile(join(cwd, 'known_hosts'), one.knownHostsLine + two.knownHostsLine);
    const hosts = [one, two].flatMap(({ port }) => ['-H', `ops@127.0.0.1:${port}`]);
    const login = ['-i', join(cwd, 'key'), '--known-hosts', join(cwd, 'known_hosts'), '--ssh-config', 'none'];
    const argv = ['host', 'exec', ...hosts, ...login, '--', 'echo', 'aboard'];
    const { status, screen } = await onTerminal(argv, {
      cwd,
      prompt: 'Passphrase of',
      keys: 'sesame\r',
    });
    const text = stripVTControlCharacters(screen);
    assert.is(status, 0, text);
    assert.is(text.match(/aboard\r?$/gm)?.length, 2, text);
    assert.not.match(text, 'sesame');
  }));

test('what a host asks during the login is asked on the terminal, by the name of the host', () =>
  inFolder(async cwd => {
    await using server = await SshServer.start({ password: 'code-77', keyboardInteractive: true });
    await writeFile(join(cwd, 'known_hosts'), server.knownHostsLine);
    const login = ['--known-hosts', join(cwd, 'known_hosts'), '--ssh-config', 'none'];
    const host = `127.0.0.1:${server.port}`;
    const argv = ['host', 'exec', '-H', `ops@${host}`, ...login, '--', 'echo', 'aboard'];
    const { status, screen } = await onTerminal(argv, {
      cwd,
      prompt: `${host}: Password:`,
      keys: 'code-77\r',
    });
    assert.is(status, 0, screen);
    assert.match(stripVTControlCharacters(screen), 'aboard');
    assert.not.match(screen, 'code-77');
  }));

test('--yes asks nothing, on a terminal either', async () => {
  const argv = ['host', 'status', '-H', 'ops@127.0.0.1:1', '--ask-password', '--yes'];
  const { status, screen } = await onTerminal(argv);
  assert.is(status, 2);
  assert.match(stripVTControlCharacters(screen), '--yes says to ask nothing');
});

test.run();
