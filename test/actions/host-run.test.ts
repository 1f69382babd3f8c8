import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { HostEvent } from '../../src/actions/host-events.ts';
import type { HostsOptions } from '../../src/actions/host-results.ts';
import { onEveryHost } from '../../src/actions/host-run.ts';
import { hostStatus } from '../../src/actions/host-status.ts';
import { summaryError } from '../../src/actions/host-summary.ts';
import { AirferryError } from '../../src/errors.ts';
import { Secret } from '../../src/host/secret.ts';
import { hostTarget } from '../../src/host/target.ts';
import { scratch } from '../support/scratch.ts';
import { SshServer } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';

const test = suite('work on hosts');
const dir = scratch();
const knownHosts = join(dir, 'known_hosts');

async function hosts(...servers: SshServer[]): Promise<HostsOptions & { events: HostEvent[] }> {
  writeFileSync(knownHosts, servers.map(server => server.knownHostsLine).join(''));
  const events: HostEvent[] = [];
  const members = servers.map((server, i) => ({
    target: hostTarget(
      {
        name: `h${i + 1}`,
        address: '127.0.0.1',
        port: server.port,
        user: 'ops',
        password: new Secret('login'),
        agent: '',
      },
      {},
    ),
  }));
  return {
    fleet: { members },
    knownHosts: { files: [knownHosts], acceptNew: false },
    connectTimeoutMs: 2_000,
    events,
    onEvent: event => events.push(event),
  };
}

const failing = (code: 'HOST_DISK_FULL' | 'HOST_PREFLIGHT' | 'INTERRUPTED') =>
  new AirferryError(code, `it is ${code}`);

test('a host that fails stops only itself, and says at which phase', async () => {
  await using good = await SshServer.start({ password: 'login' });
  await using bad = await SshServer.start({ password: 'other' });
  const options = await hosts(bad, good);
  const results = await onEveryHost(options, {}, async run => {
    await run.connected(undefined, shell => run.step('gather-facts', () => shell.run('echo hello')));
    return {};
  });
  assert.equal(
    results.map(host => `${host.name} ${host.outcome} ${host.phase ?? ''}`.trim()),
    ['h1 failed connect', 'h2 unchanged'],
  );
  assert.is(results[0]?.error?.code, 'HOST_AUTH_FAILED');
  assert.equal(results[0]?.error?.where, { host: 'h1', phase: 'connect' });
  const kinds = (host: string): string[] =>
    options.events.filter(event => event.host === host).map(event => event.kind);
  assert.equal(kinds('h1'), ['phase-start', 'phase-failed', 'host-failed']);
  assert.equal(kinds('h2'), ['phase-start', 'phase-done', 'phase-start', 'phase-done', 'host-done']);
});

test('a failure that nobody foresaw is that of the host, and no stack trace', async () => {
  await using server = await SshServer.start({ password: 'login' });
  const options = await hosts(server);
  const [host] = await onEveryHost(options, {}, async run => {
    await run.step('gather-facts', async () => {
      throw new TypeError('x is not a function');
    });
    return {};
  });
  assert.is(host?.error?.code, 'INTERNAL');
  assert.is(host?.phase, 'gather-facts');
});

test('no more hosts than wanted are at work at once', async () => {
  const options = { ...(await hosts()), parallel: 2 };
  options.fleet = {
    members: Array.from({ length: 7 }, (_, i) => ({
      target: hostTarget({ name: `h${i}`, address: '127.0.0.1' }, {}),
    })),
  };
  let now = 0;
  let most = 0;
  const results = await onEveryHost(options, {}, async () => {
    most = Math.max(most, ++now);
    await new Promise(resolve => setTimeout(resolve, 5));
    now--;
    return {};
  });
  assert.is(most, 2);
  assert.equal(
    results.map(host => host.name),
    ['h0', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
  );
});

test('hosts that do not answer cost the others nothing but their own timeout', async () => {
  const servers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      SshServer.start({ password: 'login', ...(i % 5 === 0 ? { faults: { silent: true } } : {}) }),
    ),
  );
  try {
    const options = { ...(await hosts(...servers)), parallel: 2, connectTimeoutMs: 4_000 };
    const started = performance.now();
    const results = await onEveryHost(options, {}, async run => {
      await run.connected(undefined, shell => run.step('gather-facts', () => shell.run('echo hello')));
      return {};
    });
    const ends = options.events.filter(({ kind }) => kind === 'host-done' || kind === 'host-failed');
    assert.equal(
      ends.slice(8).map(({ host, kind }) => `${host} ${kind}`),
      ['h1 host-failed', 'h6 host-failed'],
    );
    assert.is(results.filter(({ outcome }) => outcome === 'unchanged').length, 8);
    assert.ok(performance.now() - started < 8_500, 'the silent ones wait side by side');
  } finally {
    await Promise.all(servers.map(server => server.close()));
  }
});

test('after the signal no host is begun, and all say that they were interrupted', async () => {
  await using server = await SshServer.start({ password: 'login' });
  const result = await hostStatus({ ...(await hosts(server)), signal: AbortSignal.abort() });
  assert.is(result.hosts[0]?.error?.code, 'INTERRUPTED');
  assert.is(server.connections, 0);
});

test('the summary names hosts, phases and the command to go on', () => {
  const host = (name: string, error?: AirferryError) => ({
    ...{ name, address: name, changes: [], findings: [], durationMs: 1 },
    ...(error
      ? { outcome: 'failed' as const, error, phase: 'stage-engine' as const }
      : { outcome: 'changed' as const }),
  });
  const retry = (names: string[]): string =>
    `airferry host install site.tar ${names.map(name => `--host ${name}`).join(' ')}`;
  assert.is(summaryError({ hosts: [host('h1')] }, retry), undefined);
  const some = summaryError({ hosts: [host('h1'), host('h2', failing('HOST_DISK_FULL'))] }, retry);
  assert.is(some?.code, 'SOME_HOSTS_FAILED');
  assert.is(some?.exit, 5);
  assert.match(
    some?.message ?? '',
    '1 of 2 hosts failed, 1 is done:\n  h2 at "Bring the engine over": it is HOST_DISK_FULL',
  );
  assert.match(some?.suggestions[0] ?? '', 'airferry host install site.tar --host h2');
  const all = summaryError({ hosts: ['h1', 'h2'].map(name => host(name, failing('HOST_DISK_FULL'))) }, retry);
  assert.is(all?.exit, 6);
  const refused = summaryError(
    { hosts: ['h1', 'h2'].map(name => host(name, failing('HOST_PREFLIGHT'))) },
    retry,
  );
  assert.is(refused?.exit, 8);
  const stopped = summaryError({ hosts: [host('h1', failing('INTERRUPTED')), host('h2')] }, retry);
  assert.is(stopped?.exit, 130);
  assert.is(summaryError({ hosts: [host('h1', failing('HOST_PREFLIGHT'))] }, retry)?.exit, 8);
});

test.run();
