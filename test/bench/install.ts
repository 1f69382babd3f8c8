/** `host install` on three empty hosts, and again where nothing is left to do, beside an Ansible playbook. */

import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../src/support/format.ts';
import { engineArchive } from '../lab/engines.ts';
import type { Outcome, RunOptions } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import { addPython, expectUnchanged, type Load, play } from './ansible.ts';
import { type Bench, LAB, makeBundle, warm } from './bench.ts';
import { best, type Contender, contest, type Standing, standing, worst } from './contest.ts';
import { type Cost, measure } from './measure.ts';
import { ensureAnsible } from './peers.ts';
import { PEAK_LIMIT, type Section, type Target } from './report.ts';

const HOSTS = ['h1', 'h2', 'h3'];
const ENGINE = '20.10.24';
const OURS = 'airferry host install';
const ANSIBLE = 'ansible-playbook';
const UNCOMPRESSED = 'ansible-playbook, no ssh -C';
const DAEMON = new URL('../../templates/daemon/default.json', import.meta.url).pathname;

/** A command that installs the hosts of a lab. */
interface Installer {
  command: string[];
  env?: Record<string, string>;
  /** Throws unless the output of a run says that it changed nothing. */
  expectUnchanged(output: string): void;
}

export async function install(bench: Bench): Promise<Section> {
  const { rounds, tell, corpus } = bench;
  await ensureAnsible();
  const [image] = corpus.images;
  if (image === undefined) throw new Error('the corpus has no image');
  const engine = await engineArchive(ENGINE);
  const load: Load = { engine, daemon: DAEMON, image: { ...image, archive: corpus.single20 } };
  const bundle = await makeBundle(bench, {
    engine: { version: ENGINE, archive: engine },
    daemon: { template: 'default' },
    images: [{ archive: corpus.single20 }],
  });
  await warm([engine, corpus.single20, bundle.path]);
  const again = new Map<string, Cost[]>();
  const contenders = [
    contender(bench, OURS, load, again, lab => airferry(bench, lab, bundle.path)),
    ...[ANSIBLE, UNCOMPRESSED].map(name =>
      contender(bench, name, load, again, async lab => ({
        ...(await play(lab, bench.dir, load, name === ANSIBLE)),
        expectUnchanged,
      })),
    ),
  ];
  const cold = await contest(contenders, rounds, tell);
  const repeated = [...again].map(([name, runs]) => ({ name: againName(name), runs }));
  return {
    title: 'host install',
    notes: [
      `On ${HOSTS.length} hosts without Docker: engine ${ENGINE} (${formatBytes((await stat(engine)).size)}) and ${image.name}, a docker save archive of ${formatBytes((await stat(corpus.single20)).size)}.`,
      `Hosts are booted afresh for each round; "again" follows at once and changes nothing. Best of ${rounds}, taking turns.`,
      'All hosts were given python3, which Ansible needs: it runs with pipelining, ControlPersist and a fork for each host.',
      'By default Ansible has ssh compress (-C); what it does without is shown beside it, and not judged.',
      'Hosts and operator share the processors of this machine.',
    ],
    standings: [...cold, ...repeated],
    targets: targets([...cold, ...repeated]),
  };
}

function againName(name: string): string {
  return `${name}, again`;
}

function contender(
  bench: Bench,
  name: string,
  load: Load,
  again: Map<string, Cost[]>,
  prepare: (lab: Lab) => Promise<Installer>,
): Contender {
  return {
    name,
    async run() {
      const lab = await Lab.up({ hosts: HOSTS.map(host => ({ name: host })), name: LAB });
      try {
        await addPython(lab);
        const installer = await prepare(lab);
        const { cost } = await measured(lab, installer);
        await expectInstalled(lab, load);
        const second = await measured(lab, installer);
        installer.expectUnchanged(second.output);
        again.set(name, [...(again.get(name) ?? []), second.cost]);
        return cost;
      } finally {
        await setAside(bench, lab);
        await lab.down();
      }
    },
  };
}

/**
 * Keep what a lab's hosts have on disk until the benchmark ends. ext4 takes none of the inodes again that were deleted
 * in the last minutes: with hosts just taken away every new file would begin with a search through theirs, which costs
 * whoever comes next seconds that no real host knows.
 */
async function setAside({ dir }: Bench, lab: Lab): Promise<void> {
  const folder = join(dir, `hosts-${performance.now()}`);
  await mkdir(folder);
  for (const host of lab.hosts) await rename(host.root, join(folder, host.name));
}

async function measured(lab: Lab, { command, env }: Installer): Promise<{ cost: Cost; output: string }> {
  let output = '';
  const by = async (argv: string[], options: RunOptions): Promise<Outcome> => {
    const outcome = await lab.run(argv, options);
    output = outcome.stdout;
    return outcome;
  };
  const cost = await measure([command], { by, ...(env ? { env } : {}) });
  return { cost, output };
}

async function airferry(bench: Bench, lab: Lab, bundle: string): Promise<Installer> {
  const hosts = lab.hosts.flatMap(({ address }) => ['--host', `root@${address}`]);
  const login = ['--identity', lab.keyFile, '--known-hosts', lab.knownHosts];
  return {
    command: bench.airferry('host', 'install', '--bundle', bundle, ...hosts, ...login, '--json'),
    expectUnchanged(output) {
      const { hosts: results } = JSON.parse(output) as { hosts: { outcome: string }[] };
      if (results.length !== HOSTS.length || results.some(({ outcome }) => outcome !== 'unchanged'))
        throw new Error(`the second host install changed something\n${output.slice(0, 2000)}`);
    },
  };
}

/** Throws unless every host runs the engine and has the image. */
async function expectInstalled(lab: Lab, { image }: Load): Promise<void> {
  for (const host of lab.hosts) {
    const version = await host.sh("docker version --format '{{.Server.Version}}'");
    const { stdout } = await host.exec(['docker', 'image', 'inspect', '--format', '{{.Id}}', image.name]);
    if (!version.startsWith(ENGINE) || stdout.trim() !== image.id)
      throw new Error(`host ${host.name} has engine ${version} and image "${stdout.trim()}"`);
  }
}

function targets(standings: Standing[]): Target[] {
  const ours = standing(standings, OURS);
  const oursAgain = standing(standings, againName(OURS));
  return [
    {
      what: 'host install: times faster than Ansible',
      value: best(standing(standings, ANSIBLE)) / best(ours),
      unit: 'times',
      atLeast: 3,
    },
    {
      what: 'host install again: times faster than Ansible',
      value: best(standing(standings, againName(ANSIBLE))) / best(oursAgain),
      unit: 'times',
      atLeast: 10,
    },
    {
      what: 'host install: peak memory',
      value: Math.max(worst(ours, 'peak'), worst(oursAgain, 'peak')),
      unit: 'bytes',
      atMost: PEAK_LIMIT,
    },
    {
      what: "host install: bytes to the operator's disk",
      value: Math.max(worst(ours, 'stored'), worst(oursAgain, 'stored')),
      unit: 'bytes',
      atMost: 10_000_000,
    },
  ];
}
