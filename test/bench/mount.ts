/** `image copy` within one registry: other repositories get the images, and no byte of a layer moves. */
import { formatBytes, plural } from '../../src/support/format.ts';
import { Lab } from '../lab/lab.ts';
import { type Bench, LAB, makeBundle } from './bench.ts';
import { best, contest, type Standing, standing, worst } from './contest.ts';
import { expectAll, requests, withEmpty } from './empty-registry.ts';
import { measure } from './measure.ts';
import { skopeoCopy, skopeoMemory } from './peers.ts';
import type { Section, Target } from './report.ts';

const OURS = 'airferry image copy';
const SKOPEO = 'skopeo copy, image by image';
/** Below which everything is manifests, configs and headers. */
const WITHOUT_LAYERS = 2_000_000;

export async function mount(bench: Bench): Promise<Section> {
  const { rounds, tell, corpus, dir } = bench;
  const bundle = await makeBundle(bench);
  const names = corpus.images.map(({ name }) => (name.includes('/') ? name : `library/${name}`));
  const lab = await Lab.up({ hosts: [], name: LAB });
  const uploads: number[] = [];
  try {
    const within = (commands: (address: string) => string[][], ours: boolean) => () =>
      withEmpty(lab, async registry => {
        const push = bench.airferry('image', 'push', bundle.path, registry.address, '--plain-http');
        await measure([push], { by: lab.run });
        const before = await requests(registry);
        const env = skopeoMemory(`${dir}/memory-${ours}`);
        const cost = await measure(commands(registry.address), { by: lab.run, env });
        const asked = (await requests(registry)).slice(before.length);
        if (ours) uploads.push(asked.filter(line => /^"(PUT|PATCH) \/v2\/\S+\/blobs/.test(line)).length);
        await expectAll(
          lab,
          names.map(name => ({ name: `mirror/${name}` })),
          registry,
        );
        return cost;
      });
    const standings = await contest(
      [
        {
          name: OURS,
          run: within(
            address => [
              bench.airferry(
                ...['image', 'copy', ...names.map(name => `docker://${address}/${name}`)],
                ...[`docker://${address}/`, '--retag', `${address}/*=${address}/mirror/*`, '--plain-http'],
              ),
            ],
            true,
          ),
        },
        {
          name: SKOPEO,
          run: within(
            address =>
              names.map(name =>
                skopeoCopy(
                  `docker://${address}/${name}`,
                  `docker://${address}/mirror/${name}`,
                  ...['--src-tls-verify=false', '--dest-tls-verify=false'],
                ),
              ),
            false,
          ),
        },
      ],
      rounds,
      tell,
    );
    return {
      title: 'image copy within one registry',
      notes: [
        `${plural(names.length, 'image')} of ${formatBytes(bundle.size)} to other repositories of the registry that has them.`,
        `Best of ${rounds}, taking turns.`,
      ],
      standings,
      targets: targets(standings, uploads),
    };
  } finally {
    await lab.down();
  }
}

function targets(standings: Standing[], uploads: number[]): Target[] {
  const ours = standing(standings, OURS);
  return [
    {
      what: 'copy within a registry: blobs sent',
      value: Math.max(...uploads),
      unit: 'count',
      atMost: 0,
    },
    {
      what: 'copy within a registry: bytes written, to the network above all',
      value: worst(ours, 'written'),
      unit: 'bytes',
      atMost: WITHOUT_LAYERS,
    },
    {
      what: 'copy within a registry: time against skopeo',
      value: best(ours) / best(standing(standings, SKOPEO)),
      unit: 'times',
      atMost: 1,
    },
  ];
}
