/** `image push` of a bundle into an empty registry beside skopeo and oras, and pushing it again. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes, plural } from '../../src/support/format.ts';
import { must } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import type { Registry } from '../lab/registry.ts';
import { type Bench, LAB, layoutImages, makeBundle, warm } from './bench.ts';
import { best, type Contender, contest, type Standing, standing, worst } from './contest.ts';
import { type Cost, measure } from './measure.ts';
import { oras, skopeoCopy, skopeoMemory } from './peers.ts';
import { PEAK_LIMIT, type Section, type Target } from './report.ts';

const OURS = 'airferry image push';
const AGAIN = 'airferry image push, again';
const SKOPEO = 'skopeo copy, image by image';
const ORAS = 'oras cp, image by image';

/** The images of the bundle as other tools are told of them. */
interface Images {
  bundle: string;
  /** The bundle's content in a folder, which is an OCI layout. */
  layout: string;
  /** The name in a registry, `site/base:1.0`, with the digest of the manifest. */
  list: { name: string; digest: string }[];
}

/** What a second push asked of the registry. */
interface Again {
  requests: number;
  uploads: number;
}

export async function push(bench: Bench): Promise<Section> {
  const { rounds, tell, corpus } = bench;
  const bundle = await makeBundle(bench);
  const images = await unpack(bench, bundle.path);
  await warm([images.bundle, images.layout]);
  const lab = await Lab.up({ hosts: [], name: LAB });
  try {
    const again: Again[] = [];
    const pushed = await contest(
      [
        airferry(bench, lab, images),
        peer(SKOPEO, bench, lab, images, ({ name }, to) =>
          skopeoCopy(
            `oci:${images.layout}:docker.io/${name}`,
            `docker://${to}/${name}`,
            '--dest-tls-verify=false',
          ),
        ),
        await orasContender(bench, lab, images),
      ],
      rounds,
      tell,
    );
    const repeated = await contest([secondPush(bench, lab, images, again)], rounds, tell);
    const standings = [...pushed, ...repeated];
    return {
      title: 'image push',
      notes: [
        `A bundle of ${formatBytes(bundle.size)} with ${plural(corpus.images.length, 'image')}, into a registry (distribution 2.8, plain HTTP) that is empty each time.`,
        'The others push the same blobs from an OCI layout: the bundle, unpacked beforehand. All is in the page cache.',
        `Best of ${rounds}, taking turns.`,
      ],
      standings,
      targets: targets(standings, again, corpus.images.length),
    };
  } finally {
    await lab.down();
  }
}

async function unpack({ dir, corpus }: Bench, bundle: string): Promise<Images> {
  const layout = join(dir, 'layout');
  await mkdir(layout);
  await must(['tar', '--extract', '--file', bundle, '--directory', layout]);
  const list = (await layoutImages(layout)).map(({ name, digest }) => ({ name: inHub(name), digest }));
  if (list.length !== corpus.images.length) throw new Error(`${layout} has ${list.length} images`);
  return { bundle, layout, list };
}

/** `docker.io/site/base:1.0` to `site/base:1.0`. */
function inHub(name: string): string {
  return name.slice('docker.io/'.length);
}

function airferry(bench: Bench, lab: Lab, images: Images): Contender {
  return {
    name: OURS,
    run: () =>
      withEmpty(lab, async registry => {
        const cost = await measure([pushCommand(bench, images, registry)], { by: lab.run });
        await expectAll(lab, images, registry);
        return cost;
      }),
  };
}

function secondPush(bench: Bench, lab: Lab, images: Images, found: Again[]): Contender {
  return {
    name: AGAIN,
    run: () =>
      withEmpty(lab, async registry => {
        const command = pushCommand(bench, images, registry);
        await measure([command], { by: lab.run });
        const before = await requests(registry);
        const cost = await measure([command], { by: lab.run });
        const asked = (await requests(registry)).slice(before.length);
        found.push({
          requests: asked.length,
          uploads: asked.filter(line => /^"(POST|PUT|PATCH)/.test(line)).length,
        });
        return cost;
      }),
  };
}

function pushCommand(bench: Bench, { bundle }: Images, { address }: Registry): string[] {
  return bench.airferry('image', 'push', bundle, address, '--plain-http');
}

async function orasContender(bench: Bench, lab: Lab, images: Images): Promise<Contender> {
  const program = await oras();
  return peer(ORAS, bench, lab, images, ({ name, digest }, to) => [
    ...[program, 'cp', '--no-tty', '--from-oci-layout', `${images.layout}@${digest}`],
    ...['--to-plain-http', `${to}/${name}`],
  ]);
}

function peer(
  name: string,
  { dir }: Bench,
  lab: Lab,
  images: Images,
  copy: (image: Images['list'][number], to: string) => string[],
): Contender {
  return {
    name,
    run: () =>
      withEmpty(lab, async registry => {
        const memory = join(dir, 'memory');
        const copies = images.list.map(image => copy(image, registry.address));
        const cost = await measure(copies, { by: lab.run, env: skopeoMemory(memory) });
        await rm(memory, { recursive: true, force: true });
        await expectAll(lab, images, registry);
        return cost;
      }),
  };
}

/** A registry that has nothing, for the time of `work`. */
async function withEmpty(lab: Lab, work: (registry: Registry) => Promise<Cost>): Promise<Cost> {
  const registry = await lab.startRegistry();
  try {
    return await work(registry);
  } finally {
    await registry.stop();
    await rm(registry.root, { recursive: true });
  }
}

/** Throws unless the registry has every image of the bundle under its name, with the bundle's manifest. */
async function expectAll(lab: Lab, { list }: Images, { address }: Registry): Promise<void> {
  for (const { name, digest } of list) {
    const inspect = [
      'skopeo',
      'inspect',
      '--tls-verify=false',
      '--format',
      '{{.Digest}}',
      `docker://${address}/${name}`,
    ];
    const { stdout, stderr } = await lab.run(inspect);
    if (stdout.trim() !== digest)
      throw new Error(`${name} is not ${digest} in the registry: ${stdout}${stderr}`);
  }
}

/** The requests that the registry has answered so far, from its own access log. */
async function requests({ logFile }: Registry): Promise<string[]> {
  // A line is written after its answer was sent.
  await sleep(300);
  return (await readFile(logFile, 'utf8')).match(/"[A-Z]+ \/v2\/\S* HTTP\/1\.1"/g) ?? [];
}

function targets(standings: Standing[], again: Again[], images: number): Target[] {
  const ours = standing(standings, OURS);
  const repeated = standing(standings, AGAIN);
  const peers = [SKOPEO, ORAS].map(name => best(standing(standings, name)));
  const most = (figure: keyof Again): number => Math.max(...again.map(one => one[figure]));
  const all = [ours, repeated];
  return [
    {
      what: 'image push: time against the faster of skopeo and oras',
      value: best(ours) / Math.min(...peers),
      unit: 'times',
      atMost: 1,
    },
    {
      what: 'image push: peak memory',
      value: Math.max(...all.map(one => worst(one, 'peak'))),
      unit: 'bytes',
      atMost: PEAK_LIMIT,
    },
    // No layer or archive has room here, only what Node keeps of the code it has compiled.
    {
      what: "image push: bytes to the operator's disk",
      value: Math.max(...all.map(one => worst(one, 'stored'))),
      unit: 'bytes',
      atMost: 10_000_000,
    },
    { what: 'image push again: uploads', value: most('uploads'), unit: 'count', atMost: 0 },
    {
      what: 'image push again: requests for each image',
      value: most('requests') / images,
      unit: 'count',
      atMost: 2,
    },
  ];
}
