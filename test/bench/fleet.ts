/** 500 simulated hosts, checked for no change: how long it takes, and how much memory a host costs the operator. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineArchive } from '../lab/engines.ts';
import { must, run } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import type { Faults } from '../support/ssh-server.ts';
import { type Bench, LAB, makeBundle } from './bench.ts';
import type { Standing } from './contest.ts';
import type { ServersRequest, SimulatedHost } from './fleet-servers.ts';
import { type Cost, measure } from './measure.ts';
import type { Section } from './report.ts';

const HOSTS = 500;
const FEW = 50;
const LIMIT_MS = 60_000;
const LIMIT_MEMORY = 500_000_000;
const LIMIT_PER_HOST = 1_000_000;
const CONNECT_TIMEOUT_S = 10;
const ENGINE = '20.10.24';

interface Site {
  tape: string;
  bundle: string;
  key: string;
  authorizedKey: string;
}

interface Run {
  cost: Cost;
  outcomes: Record<string, number>;
}

export async function fleet(bench: Bench): Promise<Section> {
  const { rounds, tell } = bench;
  const site = await recordHost(bench);
  const runs: Run[] = [];
  const few: Run[] = [];
  for (let round = 1; round <= rounds; round++) {
    tell(`fleet, round ${round} of ${rounds}`);
    runs.push(await install(bench, site, HOSTS, {}));
    few.push(await install(bench, site, FEW, {}));
  }
  tell('fleet, one host in ten silent');
  const broken = Object.fromEntries(
    names(HOSTS)
      .filter((_, i) => i % 10 === 9)
      .map(name => [name, { silent: true } satisfies Faults]),
  );
  const ill = await install(bench, site, HOSTS, broken);
  expect(ill.outcomes, { unchanged: HOSTS - HOSTS / 10, failed: HOSTS / 10 });
  for (const { outcomes } of runs) expect(outcomes, { unchanged: HOSTS });
  const peak = (all: Run[]): number => Math.max(...all.map(({ cost }) => cost.peak));
  const quickest = (all: Run[]): number => Math.min(...all.map(({ cost }) => cost.ms));
  const perHost = (peak(runs) - peak(few)) / (HOSTS - FEW);
  const standing = (name: string, all: Run[]): Standing => ({ name, runs: all.map(({ cost }) => cost) });
  const extra = ill.cost.ms - quickest(runs);
  return {
    title: `host install on ${HOSTS} hosts where nothing is to be done`,
    notes: [
      'The hosts are SSH servers in processes of their own, which give the answers that a real host of the lab gave.',
      'They share the processors with the operator; memory is that of the operator alone.',
      `Of the last run's hosts one in ten takes connections and says nothing; it has ${CONNECT_TIMEOUT_S} s to answer.`,
    ],
    standings: [
      standing(`${HOSTS} hosts`, runs),
      standing(`${FEW} hosts`, few),
      standing(`${HOSTS} hosts, one in ten silent`, [ill]),
    ],
    targets: [
      {
        what: `seconds for ${HOSTS} hosts`,
        value: quickest(runs) / 1000,
        unit: 'count',
        atMost: LIMIT_MS / 1000,
      },
      { what: `memory with ${HOSTS} hosts`, value: peak(runs), unit: 'bytes', atMost: LIMIT_MEMORY },
      { what: 'memory for each further host', value: perHost, unit: 'bytes', atMost: LIMIT_PER_HOST },
      {
        what: 'seconds that the silent hosts add to the run',
        value: extra / 1000,
        unit: 'count',
        // Their own timeout, the patience before another host may begin, and as much again for the noise.
        atMost: 2 * CONNECT_TIMEOUT_S,
      },
    ],
  };
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `node${String(i + 1).padStart(3, '0')}`);
}

function expect(outcomes: Record<string, number>, wanted: Record<string, number>): void {
  const [found, asked] = [JSON.stringify(outcomes), JSON.stringify(wanted)];
  const same = Object.keys({ ...outcomes, ...wanted }).every(key => outcomes[key] === wanted[key]);
  if (!same) throw new Error(`the hosts ended as ${found}, not as ${asked}`);
}

/** Install one real host, and keep what it answers once nothing is left to do. */
async function recordHost(bench: Bench): Promise<Site> {
  const { dir, corpus, tell } = bench;
  const key = join(dir, 'fleet-key');
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const { path: bundle } = await makeBundle(bench, {
    engine: { version: ENGINE, archive: await engineArchive(ENGINE) },
    daemon: { template: 'default' },
    images: [{ archive: corpus.single20 }],
  });
  const tape = join(dir, 'tape.json');
  tell('recording a real host');
  const lab = await Lab.up({ name: LAB, hosts: [{ name: 'h1' }] });
  try {
    const { address } = lab.host('h1');
    const login = ['--host', `root@${address}`, '-i', lab.keyFile, '--known-hosts', lab.knownHosts];
    const env = { XDG_STATE_HOME: dir };
    const installed = await lab.run(bench.airferry('host', 'install', '-b', bundle, ...login), { env });
    if (installed.code !== 0) throw new Error(installed.stderr);
    const request = { bundle, address, identity: lab.keyFile, knownHosts: lab.knownHosts, tape };
    const recorder = new URL('fleet-tape.ts', import.meta.url).pathname;
    const outcome = await lab.run([process.execPath, recorder, 'record'], { input: JSON.stringify(request) });
    if (outcome.code !== 0) throw new Error(outcome.stderr);
  } finally {
    await lab.down();
  }
  const authorizedKey = (await readFile(`${key}.pub`, 'utf8')).trim();
  return { tape, bundle, key, authorizedKey };
}

/** One run of `host install` over so many simulated hosts. */
async function install(
  bench: Bench,
  site: Site,
  count: number,
  faults: Record<string, Faults>,
): Promise<Run> {
  const { dir } = bench;
  const { children, hosts } = await startServers(site, names(count), faults);
  try {
    const [fleetFile, knownHosts, answer] = ['fleet.yaml', 'known_hosts', 'answer.json'].map(name =>
      join(dir, name),
    ) as [string, string, string];
    const members = hosts.map(
      ({ name, port }) => `  - { name: ${name}, address: 127.0.0.1, port: ${port} }\n`,
    );
    await writeFile(fleetFile, `defaults: { user: root }\nhosts:\n${members.join('')}`);
    await writeFile(knownHosts, hosts.map(host => host.knownHostsLine).join(''));
    const command = bench.airferry(
      ...['host', 'install', '-b', site.bundle, '-F', fleetFile, '-i', site.key, '--known-hosts', knownHosts],
      ...['--connect-timeout', String(CONNECT_TIMEOUT_S), '--quiet', '--json'],
    );
    const line = 'out=$1; shift; "$@" >"$out" || [ $? -eq 5 ]';
    const env = { XDG_STATE_HOME: dir };
    const cost = await measure([['sh', '-c', line, 'sh', answer, ...command]], { by: run, env });
    const result = JSON.parse(await readFile(answer, 'utf8')) as { hosts: { outcome: string }[] };
    const outcomes: Record<string, number> = {};
    for (const { outcome } of result.hosts) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    return { cost, outcomes };
  } finally {
    for (const child of children) child.disconnect();
    await Promise.all(children.map(child => (child.exitCode === null ? once(child, 'exit') : undefined)));
  }
}

/** Two processes, each with half of the hosts. */
async function startServers(
  { tape, authorizedKey }: Site,
  all: string[],
  faults: Record<string, Faults>,
): Promise<{ children: ChildProcess[]; hosts: SimulatedHost[] }> {
  const half = Math.ceil(all.length / 2);
  const children: ChildProcess[] = [];
  const answers = [all.slice(0, half), all.slice(half)].map(async part => {
    const child = fork(new URL('fleet-servers.ts', import.meta.url));
    children.push(child);
    child.send({ tape, names: part, authorizedKey, faults } satisfies ServersRequest);
    const [hosts] = await once(child, 'message');
    return hosts as SimulatedHost[];
  });
  return { children, hosts: (await Promise.all(answers)).flat() };
}
