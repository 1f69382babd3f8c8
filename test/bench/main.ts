/** `npm run bench`: airferry beside its peers, in the same run. Ends with status 1 when a target is missed. */
import { whyNoLab } from '../lab/readiness.ts';
import { type Bench, withBench } from './bench.ts';
import { create } from './create.ts';
import { fleet } from './fleet.ts';
import { install } from './install.ts';
import { memoryLarge } from './memory-large.ts';
import { mount } from './mount.ts';
import { open } from './open.ts';
import { parts } from './parts.ts';
import { ensureMeasuring } from './peers.ts';
import { push } from './push.ts';
import { pushArchive } from './push-archive.ts';
import { pushMany } from './push-many.ts';
import { formatSection, formatTargets, reached, type Section } from './report.ts';
import { sshUpload } from './ssh-upload.ts';
import { update } from './update.ts';
import { verify } from './verify.ts';

const USAGE = `Airferry beside its peers. Needs root on Debian 12, for the lab.

usage: npm run bench -- [PART]... [--rounds N] [--quick] [--json]

  create        bundle create beside skopeo
  push          image push of a bundle beside skopeo and oras, and beside bare requests
  push-many     image push of 50 small images beside skopeo and oras, one by one
  push-archive  image push of a docker-archive, compressed on the way, beside skopeo
  mount         image copy within one registry beside skopeo
  memory-large  image push of 10 GB in one image, for its memory alone
  parts         bundle verify of 25 parts beside one file; bundle split
  open          bundle inspect and image list of a bundle of 100 GB with 5,000 blobs
  verify        bundle verify beside sha256sum
  install       host install beside an Ansible playbook
  fleet         host install on 500 simulated hosts where nothing is to be done
  ssh-upload    a large file to a host beside scp, also over a link of 50 ms
  update        image load of one more layer beside docker save | ssh docker load: bytes, counted once

  --rounds  how often each contender runs (default 3)
  --quick   a few small images: tries the benchmark itself, so targets are shown but not judged
  --json    one document on standard output

All parts unless some are named. Contenders take turns; the best of the rounds counts. Other load on the machine makes
figures noisy: run it on a machine that has nothing else to do. $AIRFERRY_BIN names another airferry to measure.
`;

const PARTS: Record<string, (bench: Bench) => Promise<Section>> = {
  create,
  push,
  'push-many': pushMany,
  'push-archive': pushArchive,
  mount,
  'memory-large': memoryLarge,
  parts,
  open,
  verify,
  install,
  fleet,
  'ssh-upload': sshUpload,
  update,
};

interface Options {
  parts: string[];
  rounds: number;
  quick: boolean;
  json: boolean;
}

async function main(args: string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const options = parse(args);
  if (typeof options === 'string') {
    process.stderr.write(`bench: ${options}\n\n${USAGE}`);
    return 2;
  }
  const reason = whyNoLab();
  if (reason !== undefined) throw new Error(reason);
  await ensureMeasuring();
  const sections = await withBench(options, bench => measureParts(bench, options));
  return conclude(sections, options);
}

async function measureParts(bench: Bench, { parts, json }: Options): Promise<Section[]> {
  const sections: Section[] = [];
  for (const name of parts) {
    const section = await (PARTS[name] as (bench: Bench) => Promise<Section>)(bench);
    if (!json) process.stdout.write(`\n${formatSection(section)}\n`);
    sections.push(section);
  }
  return sections;
}

function conclude(sections: Section[], { json, quick }: Options): number {
  const targets = sections.flatMap(section => section.targets);
  const missed = targets.filter(target => !reached(target)).length;
  if (json) {
    const judged = sections.map(section => ({
      ...section,
      targets: section.targets.map(target => ({ ...target, reached: reached(target) })),
    }));
    process.stdout.write(`${JSON.stringify({ quick, missed, sections: judged }, undefined, 2)}\n`);
  } else {
    const verdict = quick
      ? 'not judged, since this was --quick'
      : `${targets.length - missed} reached, ${missed} missed`;
    process.stdout.write(`\nSummary: ${targets.length} targets, ${verdict}\n${formatTargets(targets)}\n`);
  }
  return missed > 0 && !quick ? 1 : 0;
}

/** The options, or what is wrong with them. */
function parse(args: string[]): Options | string {
  const options: Options = { parts: [], rounds: 3, quick: false, json: false };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--quick') options.quick = true;
    else if (arg === '--json') options.json = true;
    else if (arg === '--rounds') options.rounds = Number(rest.shift());
    else if (Object.hasOwn(PARTS, arg)) options.parts.push(arg);
    else return `"${arg}" is no part and no option`;
  }
  if (!Number.isInteger(options.rounds) || options.rounds < 1) return '--rounds takes a number from 1 up';
  if (options.parts.length === 0) options.parts = Object.keys(PARTS);
  return options;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
