/** `image load` of an image that grew by one small layer, beside `docker save | ssh docker load`: bytes on the wire. */
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../src/support/format.ts';
import { openImageSource } from '../../src/transports/open.ts';
import type { Host } from '../lab/host.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import { type Bench, LAB, makeBundle } from './bench.ts';
import type { Standing } from './contest.ts';
import { type Cost, measure } from './measure.ts';
import { PEAK_LIMIT, type Section, type Target } from './report.ts';

const UPDATE = 'site/update:2.0';
/** What SSH, HTTP and the questions to the host may add to the layer itself. Bytes. */
const CHATTER = 64 * 1024;
const RATIO = 1.05;
/** The new layer before compression: half of it does not compress. Bytes. */
const LAYER_BYTES = 2 * 1024 * 1024;

const STORES = [
  { host: 'classic', version: '20.10.24', daemon: {}, suite: 'bookworm', way: 'archive' },
  {
    host: 'containerd',
    version: '26.1.5',
    daemon: { features: { 'containerd-snapshotter': true } },
    suite: 'trixie',
    way: 'pull',
  },
] as const;

/** A run with the bytes that went through the host's network card, in both directions. */
interface Counted {
  name: string;
  host: string;
  cost: Cost;
  wire: number;
}

export async function update(bench: Bench): Promise<Section> {
  const { corpus, tell } = bench;
  const lab = await Lab.up({ hosts: STORES.map(({ host, suite }) => ({ name: host, suite })), name: LAB });
  try {
    for (const { host, version, daemon } of STORES) await installEngine(lab.host(host), version, daemon);
    const base = await makeBundle(bench, { images: [{ archive: corpus.single20 }] });
    for (const { host } of STORES) await loadBundle(bench, lab, host, base.path);
    const archive = await saveUpdate(bench, lab.host('classic'));
    const bundle = await makeBundle(bench, { images: [{ archive }] });
    const layer = await topLayer(bundle.path);
    const counted: Counted[] = [];
    for (const { host, way } of STORES) {
      const one = lab.host(host);
      const run = async (name: string, work: () => Promise<Cost>): Promise<void> => {
        const before = await wireBytes(one);
        const cost = await work();
        const wire = (await wireBytes(one)) - before;
        tell(`${name}, ${host} store: ${formatBytes(wire)} on the wire`);
        counted.push({ name, host, cost, wire });
        await one.sh(`docker run --rm ${UPDATE} test -s /update && docker rmi ${UPDATE}`);
      };
      await run(`image load, ${way}`, () => loadBundle(bench, lab, host, bundle.path));
      const ssh = `exec ${lab.ssh(host).join(' ')} docker load <${archive}`;
      await run('docker save | ssh docker load', () => measure([['sh', '-c', ssh]], { by: lab.run }));
    }
    return {
      title: 'image load of an update',
      notes: [
        `${corpus.images[0]?.name} with one more layer, ${formatBytes(layer)} compressed; the hosts have the rest already.`,
        'The last column is what went through the host’s network card, both ways, SSH and TCP included.',
      ],
      standings: counted.map(standing),
      targets: counted.flatMap(one => targetsOf(one, layer, counted)),
    };
  } finally {
    await lab.down();
  }
}

function standing({ name, host, cost, wire }: Counted): Standing {
  return { name: `${name} (${host} store)`, runs: [cost], made: wire };
}

function targetsOf({ name, host, cost, wire }: Counted, layer: number, all: Counted[]): Target[] {
  if (!name.startsWith('image load')) return [];
  const peer = all.find(other => other.host === host && other.name !== name)?.wire ?? 0;
  return [
    {
      what: `update, ${host} store: bytes on the wire, of a layer of ${formatBytes(layer)}`,
      value: wire,
      unit: 'bytes',
      atMost: Math.round(RATIO * layer) + CHATTER,
    },
    {
      what: `update, ${host} store: times fewer bytes than docker save | ssh docker load`,
      value: peer / wire,
      unit: 'times',
      atLeast: 2,
    },
    {
      what: `update, ${host} store: peak memory`,
      value: cost.peak,
      unit: 'bytes',
      atMost: PEAK_LIMIT,
    },
  ];
}

/** The corpus's first image with one layer more, as `docker save` writes it. It does not stay on the host. */
async function saveUpdate({ dir, corpus }: Bench, host: Host): Promise<string> {
  const archive = join(dir, 'update.tar');
  const dockerfile = `FROM ${corpus.images[0]?.name}
RUN head -c ${LAYER_BYTES / 2} /dev/urandom >/update && head -c ${LAYER_BYTES / 2} /dev/zero >>/update
`;
  await writeFile(join(host.root, 'srv/Dockerfile'), dockerfile);
  await host.sh(`cd /srv && DOCKER_BUILDKIT=0 docker build -t ${UPDATE} . && docker save -o /srv/update.tar ${UPDATE}
    docker rmi ${UPDATE}; rm Dockerfile`);
  await host.sh(`docker image ls -q ${UPDATE} | grep . && exit 1; :`);
  const saved = join(host.root, 'srv/update.tar');
  await copyFile(saved, archive);
  await rm(saved);
  return archive;
}

function loadBundle(bench: Bench, lab: Lab, host: string, bundle: string): Promise<Cost> {
  const login = ['--identity', lab.keyFile, '--known-hosts', lab.knownHosts];
  const target = ['--host', `root@${lab.host(host).address}`];
  return measure([bench.airferry('image', 'load', bundle, ...target, ...login)], { by: lab.run });
}

/** The compressed size of the last layer of a bundle's only image. */
async function topLayer(bundle: string): Promise<number> {
  const source = await openImageSource(bundle);
  try {
    const key = (await source.inventory()).images[0]?.layers.at(-1)?.key;
    for await (const layer of source.layers()) if (layer.key === key) return layer.size;
    throw new Error(`${bundle} has no image`);
  } finally {
    await source.close();
  }
}

/** What a host's network card has received and sent so far: proc(5), net/dev. */
async function wireBytes(host: Host): Promise<number> {
  const [, counters = ''] = /^\s*eth0:(.*)$/m.exec(await host.sh('cat /proc/net/dev')) ?? [];
  const values = counters.trim().split(/\s+/).map(Number);
  return (values[0] ?? Number.NaN) + (values[8] ?? Number.NaN);
}
