/** A large file to a host: airferry's upload, with the hash that it has taken there, beside `scp`; near and far away. */
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../src/support/format.ts';
import type { Host } from '../lab/host.ts';
import { Lab } from '../lab/lab.ts';
import { ensurePackages } from '../lab/packages.ts';
import { type Bench, LAB, warm } from './bench.ts';
import { best, type Contender, contest, type Standing, standing } from './contest.ts';
import { type Cost, measure } from './measure.ts';
import type { Section, Target } from './report.ts';

const SIZE = 512 * 1024 * 1024;
const QUICK_SIZE = 32 * 1024 * 1024;
/** There and back, in milliseconds. */
const DELAY_MS = 50;
const PROXY_PORT = 2222;
const UPLOAD = new URL('upload.ts', import.meta.url).pathname;
const DELAY = new URL('delay.ts', import.meta.url).pathname;
/** Where files go on the host. */
const FOLDER = '/var/tmp/upload';

interface File {
  path: string;
  sha256: string;
}

/** How the host is reached. */
interface Way {
  name: string;
  address: string;
  port: number;
}

/** The command that brings a file over. */
type Upload = (file: File, way: Way) => string[];

export async function sshUpload(bench: Bench): Promise<Section> {
  const { rounds, tell } = bench;
  await ensurePackages({ 'openssh-client': '/usr/bin/scp' });
  const size = bench.quick ? QUICK_SIZE : SIZE;
  const files = { large: await makeFile(bench, 'large', size), empty: await makeFile(bench, 'empty', 0) };
  await warm([files.large.path]);
  const lab = await Lab.up({ hosts: [{ name: 'h1' }], name: LAB });
  const host = lab.host('h1');
  const far = [process.execPath, DELAY, String(PROXY_PORT), host.address, '22', String(DELAY_MS / 2)];
  const proxy = lab.spawn(far, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    if (proxy.stdout) await once(proxy.stdout, 'data');
    const ways: Way[] = [
      { name: '', address: host.address, port: 22 },
      { name: `, ${DELAY_MS} ms away`, address: '127.0.0.1', port: PROXY_PORT },
    ];
    const uploads: [string, Upload][] = [
      ['airferry upload', airferry(bench, lab)],
      ['scp', scp(bench, lab)],
    ];
    const contenders = ways.flatMap(way =>
      uploads.map(([name, upload]) => contender(`${name}${way.name}`, lab, host, files, upload, way)),
    );
    const standings = await contest(contenders, rounds, tell);
    return {
      title: 'ssh upload',
      notes: [
        `A file of ${formatBytes(size)} to a host, best of ${rounds}, taking turns; both ends share the processors of this machine.`,
        'The time of the same command with an empty file is taken off: start-up and login do not count.',
        'Airferry has the host hash all of it, and can go on with an upload that was interrupted; scp does neither.',
        `Far away: a proxy hands on every byte after ${DELAY_MS / 2} ms, in either direction.`,
      ],
      standings,
      targets: ways.map(way => target(standings, way)),
    };
  } finally {
    proxy.kill();
    await lab.down();
  }
}

function contender(
  name: string,
  lab: Lab,
  host: Host,
  files: { large: File; empty: File },
  upload: Upload,
  way: Way,
): Contender {
  const send = async (file: File): Promise<Cost> => {
    await host.sh(`rm -rf ${FOLDER}; mkdir -p ${FOLDER}`);
    return measure([upload(file, way)], { by: lab.run });
  };
  return {
    name,
    async run() {
      const { ms: idle } = await send(files.empty);
      const cost = await send(files.large);
      const there = await host.sh(`find ${FOLDER} -type f -exec sha256sum {} +`);
      if (!there.startsWith(files.large.sha256)) throw new Error(`${name} brought another file: ${there}`);
      return { ...cost, ms: cost.ms - idle };
    },
  };
}

function airferry({ dir }: Bench, { keyFile }: Lab): Upload {
  const knownHosts = join(dir, 'known_hosts');
  return ({ path, sha256 }, { address, port }) => [
    ...[process.execPath, UPLOAD, path, sha256, address, String(port), keyFile, knownHosts, FOLDER],
  ];
}

function scp({ dir }: Bench, { keyFile }: Lab): Upload {
  const options = ['StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${join(dir, 'known_hosts_scp')}`];
  return ({ path }, { address, port }) => [
    ...['scp', '-q', '-F', '/dev/null', '-i', keyFile, '-P', String(port)],
    ...options.flatMap(option => ['-o', option]),
    ...[path, `root@${address}:${FOLDER}/file`],
  ];
}

async function makeFile({ dir }: Bench, name: string, size: number): Promise<File> {
  const path = join(dir, name);
  const hash = createHash('sha256');
  const block = Buffer.alloc(4 * 1024 * 1024);
  const handle = await open(path, 'w');
  for (let at = 0; at < size; at += block.length) {
    randomFillSync(block);
    hash.update(block);
    await handle.write(block);
  }
  await handle.close();
  return { path, sha256: hash.digest('hex') };
}

function target(standings: Standing[], { name }: Way): Target {
  const time = (of: string): number => best(standing(standings, `${of}${name}`));
  return {
    what: `ssh upload: throughput against scp${name}`,
    value: time('scp') / time('airferry upload'),
    unit: 'times',
    atLeast: name === '' ? 0.9 : 1,
  };
}
