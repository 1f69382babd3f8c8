import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type HostExecOptions, hostExec } from '../../src/actions/host-exec.ts';
import { Secret } from '../../src/host/secret.ts';
import { hostTarget } from '../../src/host/target.ts';
import { scratch } from '../support/scratch.ts';
import { SshServer } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';

const test = suite('host exec');

function options(
  servers: readonly SshServer[],
  over: Partial<HostExecOptions> & Pick<HostExecOptions, 'what'>,
): HostExecOptions & { lines: string[] } {
  const file = join(scratch(), 'known_hosts');
  writeFileSync(file, servers.map(server => server.knownHostsLine).join(''));
  const lines: string[] = [];
  const members = servers.map(({ port }, i) => ({
    target: hostTarget(
      {
        name: `h${i + 1}`,
        address: '127.0.0.1',
        port,
        user: 'ops',
        password: new Secret('login'),
        agent: '',
      },
      {},
    ),
  }));
  return {
    ...{ fleet: { members }, knownHosts: { files: [file], acceptNew: false }, root: false, collect: true },
    ...{ lines, onLine: (host, stream, line) => lines.push(`${host} ${stream} ${line}`) },
    ...over,
  };
}

const start = () => SshServer.start({ password: 'login' });

/** Whether a process is there. */
const alive = (pid: string): boolean => existsSync(`/proc/${pid}`);

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !condition(); i++) await new Promise(resolve => setTimeout(resolve, 50));
  assert.ok(condition());
}

test('each line comes with its host and its stream, and each host has its status', async () => {
  await using a = await start();
  await using b = await start();
  b.install('thing', '#!/bin/sh\necho out; echo err >&2; exit 3\n');
  a.install('thing', '#!/bin/sh\nprintf "no end"\n');
  const asked = options([a, b], { what: ['thing'] });
  const { hosts } = await hostExec(asked);
  assert.equal(asked.lines.sort(), ['h1 stdout no end', 'h2 stderr err', 'h2 stdout out']);
  assert.equal(
    hosts.map(({ outcome, status, stdout, stderr }) => ({ outcome, status, stdout, stderr })),
    [
      { outcome: 'unchanged', status: 0, stdout: 'no end', stderr: '' },
      { outcome: 'failed', status: 3, stdout: 'out\n', stderr: 'err\n' },
    ],
  );
  assert.is(hosts[1]?.error?.message, 'the command ended with status 3');
});

test('words arrive as they are, whatever a shell would make of them', async () => {
  await using server = await start();
  const words = ['$HOME', 'a  b', "it's", '*', '', ';reboot', '--', '`id`', 'line\nbreak', 'A=b'];
  const asked = options([server], { what: ['printf', '[%s]\\n', ...words] });
  const { hosts } = await hostExec(asked);
  assert.is(hosts[0]?.stdout, `${words.map(word => `[${word}]\n`).join('')}`);
  const keyword = await hostExec(options([server], { what: ['if', 'x'] }));
  assert.is(keyword.hosts[0]?.status, 127);
});

test('a line for the shell is one', async () => {
  await using server = await start();
  const { hosts } = await hostExec(options([server], { what: 'echo b a | tr " " "\\n" | sort; exit 4' }));
  assert.equal([hosts[0]?.stdout, hosts[0]?.status], ['a\nb\n', 4]);
});

test('every host gets the whole of stdin', async () => {
  await using a = await start();
  await using b = await start();
  const stdin = Buffer.alloc(300_000, 'x');
  const { hosts } = await hostExec(options([a, b], { what: ['wc', '-c'], stdin }));
  assert.equal(
    hosts.map(({ stdout }) => stdout?.trim()),
    ['300000', '300000'],
  );
});

test('a command that takes too long is ended with all that it started', async () => {
  await using server = await start();
  const what = 'sh -c "sleep 60 & echo \\$! \\$\\$; wait"';
  const asked = options([server], { what, timeoutMs: 400 });
  const { hosts } = await hostExec(asked);
  assert.is(hosts[0]?.error?.code, 'HOST_TIMEOUT');
  const pids = (hosts[0]?.stdout ?? '').trim().split(' ');
  assert.is(pids.length, 2);
  await until(() => !pids.some(alive));
});

test('an interruption ends it too, also where it does not listen to SIGTERM', async () => {
  await using server = await start();
  const stop = new AbortController();
  const asked = options([server], { what: "trap '' TERM; echo $$; sleep 60; sleep 60", signal: stop.signal });
  let pid = '';
  asked.onLine = (_host, _stream, line) => {
    pid = line;
    stop.abort();
  };
  const { hosts } = await hostExec(asked);
  assert.is(hosts[0]?.error?.code, 'INTERRUPTED');
  assert.match(pid, /^\d+$/);
  await until(() => !alive(pid));
});

test('what is kept of a flood is its beginning, and it is said', async () => {
  await using server = await start();
  const { hosts } = await hostExec(options([server], { what: 'head -c 3000000 /dev/zero | tr "\\0" y' }));
  assert.is(hosts[0]?.stdout?.length, 1024 * 1024);
  assert.is(hosts[0]?.truncated, true);
});

test.run();
