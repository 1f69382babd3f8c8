/** `image push` of a bundle into an empty registry beside skopeo, oras and bare requests, and pushing it again. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, plural } from '../../src/support/format.ts';
import { must } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import type { Registry } from '../lab/registry.ts';
import { type Bench, LAB, layoutImages, makeBundle, warm } from './bench.ts';
import { best, type Contender, contest, type Standing, standing, worst } from './contest.ts';
import { expectAll, pusher, requests, withEmpty } from './empty-registry.ts';
import { measure } from './measure.ts';
import { oras, skopeoCopy } from './peers.ts';
import { PEAK_LIMIT, type Section, type Target } from './report.ts';

const OURS = 'airferry image push';
const AGAIN = 'airferry image push, again';
const SKOPEO = 'skopeo copy, image by image';
const ORAS = 'oras cp, image by image';
const BARE = 'curl, 5 files at once';

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
  const program = await oras();
  const lab = await Lab.up({ hosts: [], name: LAB });
  try {
    const { layout, list } = images;
    const again: Again[] = [];
    const pushed = await contest(
      [
        pusher(OURS, bench, lab, list, registry => [pushCommand(bench, images, registry)]),
        pusher(SKOPEO, bench, lab, list, ({ address }) =>
          list.map(({ name }) =>
            skopeoCopy(
              `oci:${layout}:docker.io/${name}`,
              `docker://${address}/${name}`,
              '--dest-tls-verify=false',
            ),
          ),
        ),
        pusher(ORAS, bench, lab, list, ({ address }) =>
          list.map(({ name, digest }) => [
            ...[program, 'cp', '--no-tty', '--from-oci-layout', `${layout}@${digest}`],
            ...['--to-plain-http', `${address}/${name}`],
          ]),
        ),
        await bareContender(bench, lab, images),
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
        'curl sends every blob by one POST and one PUT, without a question before or a manifest after: what the registry itself can take.',
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

/** $1: the registry's URL; $2: a folder of blobs called by their hex digests. */
const BARE_SCRIPT = `
export URL="$1/v2/bare/blobs/uploads/"
cd "$2"
ls | xargs -P 5 -I FILE sh -ec '
  to=$(curl -sS -f -X POST -D - -o /dev/null "$URL" | sed -n "s/^[Ll]ocation: //p" | tr -d "\\r")
  curl -sS -f -o /dev/null -H "Expect:" -H "Content-Type: application/octet-stream" -T FILE "$to&digest=sha256:FILE"
'
`;

async function bareContender(bench: Bench, lab: Lab, { layout }: Images): Promise<Contender> {
  const script = join(bench.dir, 'bare.sh');
  await writeFile(script, BARE_SCRIPT);
  const commands = ({ url }: Registry): string[][] => [
    ['sh', '-e', script, url, join(layout, 'blobs/sha256')],
  ];
  return pusher(BARE, bench, lab, [], commands);
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
        await expectAll(lab, images.list, registry);
        return cost;
      }),
  };
}

function pushCommand(bench: Bench, { bundle }: Images, { address }: Registry): string[] {
  return bench.airferry('image', 'push', bundle, address, '--plain-http');
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
      atMost: 0.9,
    },
    {
      what: 'image push: time against bare requests for the same bytes',
      value: best(ours) / best(standing(standings, BARE)),
      unit: 'times',
      atMost: 1.15,
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
