/** 50 small images at once beside tools that are started for each of them: start-up time and questions are what counts. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../src/content/digest.ts';
import { Lab } from '../lab/lab.ts';
import { imageOf, layerOf, layoutOf, manifestOf, noise, writeFolder } from '../support/archives.ts';
import { type Bench, LAB } from './bench.ts';
import { best, type Contender, contest, type Standing, standing } from './contest.ts';
import { pusher, requests, withEmpty } from './empty-registry.ts';
import { measure } from './measure.ts';
import { oras, skopeoCopy } from './peers.ts';
import type { Section, Target } from './report.ts';

const OURS = 'airferry image push';
const SKOPEO = 'skopeo copy, one by one';
const ORAS = 'oras cp, one by one';
const AGAIN = ', again';
const COUNT = 50;

export async function pushMany(bench: Bench): Promise<Section> {
  const { rounds, tell } = bench;
  const { layout, list } = await makeImages(bench);
  const program = await oras();
  const lab = await Lab.up({ hosts: [], name: LAB });
  const asked: number[] = [];
  try {
    const contenders = [false, true].flatMap((again): Contender[] => {
      const options = { again, check: false };
      const called = (name: string): string => (again ? name + AGAIN : name);
      return [
        pusher(
          called(OURS),
          bench,
          lab,
          list,
          ({ address }) => [bench.airferry('image', 'push', layout, address, '--plain-http')],
          options,
        ),
        pusher(
          called(SKOPEO),
          bench,
          lab,
          list,
          ({ address }) =>
            list.map(({ name }) =>
              skopeoCopy(
                `oci:${layout}:docker.io/${name}`,
                `docker://${address}/${name}`,
                '--dest-tls-verify=false',
              ),
            ),
          options,
        ),
        pusher(
          called(ORAS),
          bench,
          lab,
          list,
          ({ address }) =>
            list.map(({ name, digest }) => [
              ...[program, 'cp', '--no-tty', '--from-oci-layout', `${layout}@${digest}`],
              ...['--to-plain-http', `${address}/${name}`],
            ]),
          options,
        ),
      ];
    });
    const standings = await contest(contenders, rounds, tell);
    asked.push(await questions(bench, lab, layout));
    return {
      title: `image push of ${COUNT} small images`,
      notes: [
        'Each has a layer of 300 kB that all share and one of 20 kB of its own, in an OCI layout; into a registry that is empty, and into one that has them all.',
        `Best of ${rounds}, taking turns.`,
      ],
      standings,
      targets: targets(standings, asked),
    };
  } finally {
    await lab.down();
  }
}

async function makeImages({
  dir,
}: Bench): Promise<{ layout: string; list: { name: string; digest: string }[] }> {
  const layout = join(dir, 'many');
  await mkdir(layout);
  const shared = await layerOf('base', noise(300_000));
  const images = await Promise.all(
    Array.from({ length: COUNT }, async (_, i) =>
      imageOf([`site/app${i}:1`], [shared, await layerOf('app', noise(20_000, i + 2))]),
    ),
  );
  const files = layoutOf(images);
  // Tools that copy from a layout want the same name that the manifest of a bundle has.
  const index = JSON.parse(String(files.get('index.json')));
  for (const { annotations } of index.manifests)
    annotations['org.opencontainers.image.ref.name'] = annotations['io.containerd.image.name'];
  writeFolder(layout, files.set('index.json', JSON.stringify(index)));
  return {
    layout,
    list: images.map(image => ({ name: image.names[0] ?? '', digest: digestOf(manifestOf(image)) })),
  };
}

/** Requests of a push of what is there. */
function questions(bench: Bench, lab: Lab, layout: string): Promise<number> {
  return withEmpty(lab, async registry => {
    const command = bench.airferry('image', 'push', layout, registry.address, '--plain-http');
    await measure([command], { by: lab.run });
    const before = await requests(registry);
    await measure([command], { by: lab.run });
    return (await requests(registry)).length - before.length;
  });
}

function targets(standings: Standing[], asked: number[]): Target[] {
  const time = (name: string): number => best(standing(standings, name));
  const against = (suffix: string): number =>
    time(OURS + suffix) / Math.min(time(SKOPEO + suffix), time(ORAS + suffix));
  return [
    {
      what: `${COUNT} images: time against the faster of skopeo and oras`,
      value: against(''),
      unit: 'times',
      atMost: 1,
    },
    {
      what: `${COUNT} images that are there: time against the faster of skopeo and oras`,
      value: against(AGAIN),
      unit: 'times',
      atMost: 1,
    },
    {
      what: `${COUNT} images that are there: requests for each`,
      value: Math.max(...asked) / COUNT,
      unit: 'count',
      atMost: 2,
    },
  ];
}
