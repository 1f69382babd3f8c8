/** `image push` of a docker-archive, whose layers are plain tars: hashed, compressed and sent in one pass; beside skopeo. */
import { stat } from 'node:fs/promises';
import { formatBytes, plural } from '../../src/support/format.ts';
import { Lab } from '../lab/lab.ts';
import { type Bench, LAB, warm } from './bench.ts';
import { best, contest, type Standing, standing, worst } from './contest.ts';
import { pusher } from './empty-registry.ts';
import { skopeoCopy } from './peers.ts';
import { PEAK_LIMIT, type Section, type Target } from './report.ts';

const OURS = 'airferry image push';
const SKOPEO = 'skopeo copy, image by image';

export async function pushArchive(bench: Bench): Promise<Section> {
  const { rounds, tell, corpus } = bench;
  const { save20, images } = corpus;
  const { size } = await stat(save20);
  await warm([save20]);
  const lab = await Lab.up({ hosts: [], name: LAB });
  try {
    const list = images.map(({ name }) => ({ name: name.includes('/') ? name : `library/${name}` }));
    const standings = await contest(
      [
        pusher(OURS, bench, lab, list, ({ address }) => [
          bench.airferry('image', 'push', save20, address, '--plain-http'),
        ]),
        pusher(SKOPEO, bench, lab, list, ({ address }) =>
          list.map(({ name }, i) =>
            skopeoCopy(
              `docker-archive:${save20}:${images[i]?.name}`,
              `docker://${address}/${name}`,
              '--dest-tls-verify=false',
            ),
          ),
        ),
      ],
      rounds,
      tell,
    );
    return {
      title: 'image push of a docker-archive',
      notes: [
        `What engine 20.10 saves, ${formatBytes(size)} with ${plural(images.length, 'image')}, into a registry that is empty each time.`,
        `Both compress with gzip, each at its own level. Best of ${rounds}, taking turns.`,
      ],
      standings,
      targets: targets(standings, size),
    };
  } finally {
    await lab.down();
  }
}

function targets(standings: Standing[], size: number): Target[] {
  const ours = standing(standings, OURS);
  return [
    {
      what: 'push of a docker-archive: time against skopeo',
      value: best(ours) / best(standing(standings, SKOPEO)),
      unit: 'times',
      atMost: 0.8,
    },
    {
      what: 'push of a docker-archive: bytes read for each byte of it',
      value: worst(ours, 'read') / size,
      unit: 'times',
      atMost: 1.2,
    },
    {
      what: 'push of a docker-archive: peak memory',
      value: worst(ours, 'peak'),
      unit: 'bytes',
      atMost: PEAK_LIMIT,
    },
    {
      what: "push of a docker-archive: bytes to the operator's disk",
      value: worst(ours, 'stored'),
      unit: 'bytes',
      atMost: 10_000_000,
    },
  ];
}
