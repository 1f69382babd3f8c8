/** `bundle create` beside `skopeo copy docker-archive: oci:`, image by image. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, plural } from '../../src/support/format.ts';
import { type Bench, bytesBelow, warm, writeRecipe } from './bench.ts';
import { best, type Contender, contest, type Standing, standing, worst } from './contest.ts';
import { type Cost, measure } from './measure.ts';
import { skopeoCopy, skopeoMemory } from './peers.ts';
import { PEAK_LIMIT, type Section, type Target } from './report.ts';

const COMPRESSIONS = ['gzip', 'zstd'] as const;
const SKOPEO = 'skopeo copy to oci:, image by image';

export async function create(bench: Bench): Promise<Section> {
  const { corpus, rounds, tell } = bench;
  const input = (await stat(corpus.save20)).size;
  await warm([corpus.save20]);
  const made = new Map<string, number>();
  const ours = COMPRESSIONS.map(compression => airferry(bench, compression, made));
  const standings = await contest([...ours, skopeo(bench, made)], rounds, tell);
  for (const one of standings) one.made = made.get(one.name);
  return {
    title: 'bundle create',
    notes: [
      `A docker save archive of ${formatBytes(input)} with ${plural(corpus.images.length, 'image')}, in the page cache.`,
      `Best of ${rounds}, taking turns. Skopeo compresses with gzip; it begins each run without its blob cache.`,
    ],
    standings,
    targets: COMPRESSIONS.flatMap(compression => targets(standings, compression, input)),
  };
}

function nameOf(compression: string): string {
  return `airferry bundle create, ${compression}`;
}

function airferry(bench: Bench, compression: string, made: Map<string, number>): Contender {
  const output = join(bench.dir, 'site.tar');
  const name = nameOf(compression);
  return {
    name,
    async run(): Promise<Cost> {
      const recipe = await writeRecipe(bench, { images: [{ archive: bench.corpus.save20 }] });
      const cost = await measure([
        bench.airferry('bundle', 'create', '-f', recipe, '-o', output, '--compression', compression),
      ]);
      made.set(name, (await stat(output)).size);
      await rm(output);
      return cost;
    },
  };
}

function skopeo({ dir, corpus }: Bench, made: Map<string, number>): Contender {
  return {
    name: SKOPEO,
    async run(): Promise<Cost> {
      const [layout, memory] = [join(dir, 'layout'), join(dir, 'memory')];
      const copies = corpus.images.map(({ name }) =>
        skopeoCopy(`docker-archive:${corpus.save20}:${name}`, `oci:${layout}:${name}`),
      );
      const cost = await measure(copies, { env: skopeoMemory(memory) });
      made.set(SKOPEO, await bytesBelow(layout));
      for (const folder of [layout, memory]) await rm(folder, { recursive: true });
      return cost;
    },
  };
}

function targets(standings: Standing[], compression: (typeof COMPRESSIONS)[number], input: number): Target[] {
  const ours = standing(standings, nameOf(compression));
  const what = (of: string): string => `bundle create, ${compression}: ${of}`;
  return [
    {
      what: what('time against skopeo'),
      value: best(ours) / best(standing(standings, SKOPEO)),
      unit: 'times',
      atMost: { gzip: 0.6, zstd: 0.35 }[compression],
    },
    { what: what('peak memory'), value: worst(ours, 'peak'), unit: 'bytes', atMost: PEAK_LIMIT },
    // Start-up reads airferry itself; a second pass or a temporary copy would show as a whole more.
    {
      what: what('bytes read against the input'),
      value: worst(ours, 'read') / input,
      unit: 'times',
      atMost: 1.1,
    },
    {
      what: what('bytes written against the bundle'),
      value: worst(ours, 'written') / (ours.made ?? 0),
      unit: 'times',
      atMost: 1.1,
    },
  ];
}
