/** The lab on the command line: `npm run lab -- up 3`. */
import { spawn } from 'node:child_process';
import { type Corpus, siteCorpus, tinyCorpus } from './corpus.ts';
import { Lab } from './lab.ts';
import { withLock } from './lock.ts';
import { OPERATOR_ADDRESS, operatorNamespace } from './network.ts';
import type { Suite } from './packages.ts';
import { whyNoLab } from './readiness.ts';
import { labName, labNames, lockFile, readRecord, runDir, sweep } from './state.ts';

const USAGE = `Real hosts to try airferry on. Needs root on Debian 12.

usage: npm run lab -- COMMAND

  up N [--suite bookworm|trixie]   boot N hosts h1…hN and leave them running
  down                             end them and take away all that they left
  ssh HOST|USER@HOST [COMMAND…]    log in to a host (as root), or run a command there
  run COMMAND…                     run a command where the operator sits, beside hosts and registries
  status                           which labs are up, with which hosts
  corpus                           make the images that tests carry, and say where they are

Several suites may be given, one for each host in turn: --suite bookworm,trixie
The lab's name comes from $AIRFERRY_LAB (default main); labs of different names do not meet.
Cached root file systems, engines and images are kept in $AIRFERRY_LAB_CACHE (default /var/cache/airferry-lab).
`;

/** Something the caller got wrong; ends with status 2 and the usage. */
class UsageError extends Error {}

const NAME = process.env.AIRFERRY_LAB || 'main';

const COMMANDS: Record<string, (args: string[]) => Promise<number>> = {
  up,
  down,
  ssh,
  run,
  status,
  corpus,
};

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || ['help', '--help', '-h'].includes(name) || rest[0] === '--help') {
    process.stdout.write(USAGE);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`there is no command "${name}"`);
  const reason = whyNoLab();
  if (reason !== undefined) throw new Error(reason);
  labName(NAME);
  return command(rest);
}

async function up(args: string[]): Promise<number> {
  const { count, suites } = parseUp(args);
  if (await readRecord(NAME))
    throw new Error(`the lab "${NAME}" is up already: see status, or end it with down`);
  const started = Date.now();
  const hosts = Array.from({ length: count }, (_, i) => ({
    name: `h${i + 1}`,
    suite: suites[i % suites.length] as Suite,
  }));
  await Lab.up({ hosts, name: NAME, waitMs: 1_000 });
  process.stdout.write(`up in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return status();
}

function parseUp(args: string[]): { count: number; suites: Suite[] } {
  const rest = [...args];
  const at = rest.findIndex(arg => arg === '--suite' || arg.startsWith('--suite='));
  const flag = at < 0 ? [] : rest.splice(at, rest[at] === '--suite' ? 2 : 1);
  const names =
    flag.length === 0 ? ['bookworm'] : (flag[1] ?? flag[0]?.slice('--suite='.length) ?? '').split(',');
  const wrong = names.find(name => name !== 'bookworm' && name !== 'trixie');
  if (wrong !== undefined) throw new UsageError(`"${wrong}" is no suite`);
  const count = Number(rest[0] ?? '1');
  if (rest.length > 1 || !Number.isInteger(count) || count < 1 || count > 40)
    throw new UsageError('up takes the number of hosts, from 1 to 40');
  return { count, suites: names as Suite[] };
}

async function down(): Promise<number> {
  await withLock(lockFile(NAME), 1_000, () => sweep(NAME));
  return 0;
}

async function ssh(args: string[]): Promise<number> {
  const [target, ...command] = args;
  if (target === undefined) throw new UsageError('ssh needs the name of a host');
  const [host, user] = target.split('@').reverse();
  const lab = await Lab.attach(NAME);
  const line = lab.ssh(host ?? '', user);
  return exec(['ip', 'netns', 'exec', operatorNamespace(NAME), ...line, ...command]);
}

async function run(args: string[]): Promise<number> {
  if (args.length === 0) throw new UsageError('run needs a command');
  const { name } = await Lab.attach(NAME);
  return exec(['ip', 'netns', 'exec', operatorNamespace(name), ...args]);
}

async function status(): Promise<number> {
  const names = await labNames();
  let any = false;
  for (const name of names) {
    const record = await readRecord(name);
    if (record === undefined) continue;
    any = true;
    process.stdout.write(
      `lab ${name}: operator at ${OPERATOR_ADDRESS}, key and known_hosts in ${runDir(name)}\n`,
    );
    for (const host of record.hosts)
      process.stdout.write(
        `  ${host.name.padEnd(11)} ${host.address.padEnd(12)} ${host.suite.padEnd(9)} ${host.root}\n`,
      );
  }
  if (!any) process.stdout.write('no lab is up\n');
  return any ? 0 : 1;
}

async function corpus(): Promise<number> {
  for (const set of [await tinyCorpus(), await siteCorpus()]) printCorpus(set);
  return 0;
}

function printCorpus({ images, ...files }: Corpus): void {
  for (const image of images) process.stdout.write(`${image.name.padEnd(17)} ${image.id}\n`);
  for (const [form, path] of Object.entries(files)) process.stdout.write(`  ${form.padEnd(17)} ${path}\n`);
}

/** Run a program with our terminal and give back its exit status. */
function exec(argv: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', code => resolve(code ?? 130));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
