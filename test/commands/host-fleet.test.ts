/** Commands on hosts as an operator meets them: a watch on a terminal, commands with and without an end, usage. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';
import { quote } from '../../src/host/quote.ts';
import { SshServer } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';
import { airferry, ENTRY, inFolder } from './airferry.ts';

const test = suite('hosts from the command line', { timeout: 60_000 });
const ENVIRONMENT = { AIRFERRY_SSH_PASSWORD: 'login' };

/** A host whose login user is taken for root, and the words that lead to it. */
async function withHost(
  body: (server: SshServer, reach: string[], cwd: string) => Promise<void>,
): Promise<void> {
  await inFolder(async cwd => {
    await using server = await SshServer.start({ password: 'login' });
    server.install('id', '#!/bin/sh\necho 0\n');
    const knownHosts = join(cwd, 'known_hosts');
    writeFileSync(knownHosts, server.knownHostsLine);
    await body(server, ['--host', `ops@127.0.0.1:${server.port}`, '--known-hosts', knownHosts], cwd);
  });
}

test('a watch draws the screen anew on a terminal, and Ctrl-C ends it without a word', () =>
  withHost(async (_server, reach) => {
    const argv = ['host', 'status', '--watch', '--interval', '1', ...reach];
    const line = [process.execPath, ENTRY, ...argv].map(quote).join(' ');
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: '/tmp', LANG: 'C.UTF-8', TERM: 'xterm', ...ENVIRONMENT },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let screen = '';
    let stopped = false;
    child.stdout.setEncoding('utf8').on('data', text => {
      screen += text;
      if (stopped || screen.split('Ctrl-C ends').length < 3) return;
      stopped = true;
      child.stdin.write('\u0003');
    });
    const status = await new Promise(resolve => child.once('close', resolve));
    assert.is(status, 130, screen);
    assert.match(screen, '\u001b[H\u001b[2J1 host, ');
    assert.match(stripVTControlCharacters(screen), /127\.0\.0\.1.*not ours/);
    assert.not.match(screen, /error/);
  }));

test('what a command says comes with the name of the host, each stream on its own', () =>
  withHost(async ({ port }, reach) => {
    const name = `127.0.0.1:${port}`;
    const asked = await airferry(['host', 'exec', ...reach, '--shell', 'echo a; echo b >&2; printf c'], {
      env: ENVIRONMENT,
    });
    assert.equal(asked, { status: 0, stdout: `${name} | a\n${name} | c\n`, stderr: `${name} | b\n` });
  }));

test('the words behind -- are the host’s, flags and all', () =>
  withHost(async (_server, reach) => {
    const asked = await airferry(
      ['host', 'exec', ...reach, '--json', '--', 'echo', '--json', '-v', 'echo', '$HOME'],
      {
        env: ENVIRONMENT,
      },
    );
    const { hosts } = JSON.parse(asked.stdout);
    assert.equal([hosts[0].status, hosts[0].stdout, hosts[0].stderr], [0, '--json -v echo $HOME\n', '']);
  }));

test('a status that is not 0 fails, and says how to try again', () =>
  withHost(async (server, reach) => {
    const asked = await airferry(['host', 'exec', ...reach, '--', 'sh', '-c', 'exit 7'], {
      env: ENVIRONMENT,
    });
    assert.is(asked.status, 6);
    assert.match(asked.stderr, 'the command ended with status 7');
    const again = `--host ops@127.0.0.1:${server.port} -- sh -c 'exit 7'`;
    assert.match(asked.stderr.replaceAll(/\s+/g, ' '), again);
  }));

test('an exec without a command, or with two, is wrong usage', async () => {
  const host = ['--host', 'ops@127.0.0.1:1'];
  const none = await airferry(['host', 'exec', ...host]);
  assert.is(none.status, 2);
  assert.match(none.stderr, 'there is no command to run');
  const both = await airferry(['host', 'exec', ...host, '--shell', 'a', '--', 'b']);
  assert.is(both.status, 2);
});

test('a share that is none is wrong usage, before anything is touched', async () => {
  const asked = await airferry([
    'host',
    'uninstall',
    '--host',
    'ops@127.0.0.1:1',
    '--batch',
    'half',
    '--yes',
  ]);
  assert.is(asked.status, 2);
  assert.match(asked.stderr, '--batch takes a number of hosts or a part of them, not "half"');
});

test('without runs the list is empty, and there is none to show', () =>
  inFolder(async cwd => {
    const env = { XDG_STATE_HOME: cwd };
    const list = await airferry(['run', 'list'], { env });
    assert.equal([list.status, list.stdout], [0, `no runs in ${cwd}/airferry/runs\n`]);
    assert.is((await airferry(['run', 'show'], { env })).status, 3);
    const retry = ['host', 'uninstall', '--host', 'ops@127.0.0.1:1', '--retry-failed', '--yes'];
    const asked = await airferry(retry, { env });
    assert.is(asked.status, 3);
    assert.match(asked.stderr, 'there is no earlier run of airferry host uninstall');
  }));

test.run();
