/**
 * `image copy`, and what push, pull, save and load to engines have in common with it: images from any places to any place.
 *
 * Open the sources, find out what each name becomes, refuse collisions before anything moves, copy one source after
 * the other, and only then let the target stand.
 */
import type { Digest } from '../content/digest.ts';
import type { Compression } from '../content/media-types.ts';
import { parsePlatform, platformMatches } from '../content/platform.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../content/reference.ts';
import type { RetagRule } from '../content/retag.ts';
import type { Meter } from '../support/meter.ts';
import type { CopyReport } from '../transports/copy.ts';
import { formatLocation, type Location } from '../transports/location.ts';
import type { Selection } from '../transports/plan.ts';
import type { ImageSource, Inventory } from '../transports/source.ts';
import { type Access, type Destination, openDestination, openSource } from './image-places.ts';
import {
  expectAll,
  type Naming,
  namedContent,
  namingFor,
  type Renamed,
  refuseCollisions,
  rename,
  unnamedImages,
} from './renaming.ts';

export interface ImageCopyOptions extends Access {
  /** In their order; content that several have is moved once. */
  sources: readonly Location[];
  target: Location;
  rules?: readonly RetagRule[];
  /** Only images with these names, as in Docker. Default all. */
  only?: readonly string[];
  /** As `linux/arm64`; images and entries of indexes for others stay behind. Default all. */
  platforms?: readonly string[];
  /** Signatures, SBOMs and attestations come along. */
  referrers?: boolean;
  /** Find out the names, and stop. */
  dryRun?: boolean;
  /** For layers that come uncompressed. Default gzip. */
  compression?: Compression;
  meter: Meter;
  signal?: AbortSignal;
}

export interface CopiedName {
  /** As Docker's user writes it; absent for content that has no name. */
  from?: string;
  to?: string;
  /** The rule that made the name; absent where none did. */
  rule?: string;
  /** Of the manifest or index at the target. */
  digest?: Digest;
  /** What the digest was in the source, where the target could not keep it. */
  was?: Digest;
  /** `present`: the target had it all. `planned`: a dry run. */
  outcome: 'copied' | 'present' | 'planned';
}

export interface ImagesCopied {
  sources: string[];
  target: string;
  dryRun: boolean;
  images: CopiedName[];
  /** Images without a name that were left behind, since the target knows images by name; by ID. */
  unnamed: Digest[];
  /** Blobs and bytes that travelled, were there, or were taken from another repository of the registry. */
  moved: CopyReport['moved'];
  present: CopyReport['present'];
  mounted: CopyReport['mounted'];
}

/** A source with what is known of it before the copy; without an inventory that is nothing. */
interface Opened {
  source: ImageSource;
  inventory: Inventory | undefined;
  renamed: Renamed[];
}

/**
 * Copy images. Throws RULE_INVALID, RULE_COLLISION, USAGE and IMAGE_NOT_FOUND before anything is moved, and what the
 * places throw.
 */
export async function copyImages(options: ImageCopyOptions): Promise<ImagesCopied> {
  const naming = namingFor(options.target, options.rules ?? []);
  const only = options.only?.map(name => familiarName(parseReference(name)));
  const opened: Opened[] = [];
  try {
    for (const location of options.sources) {
      const source = await openSource(location, options);
      opened.push({ source, inventory: undefined, renamed: [] });
    }
    for (const one of opened) await takeStock(one, naming, only, options);
    refuseCollisions(
      opened.flatMap(({ renamed }) => renamed),
      naming,
    );
    const target = formatLocation(options.target);
    if (options.dryRun) return summary(opened, target, true, []);
    const destination = await openDestination(options.target, options);
    return summary(
      opened,
      destination.description,
      false,
      await copyAll(opened, destination, naming, only, options),
    );
  } finally {
    for (const { source } of opened) await source.close();
  }
}

/** Names before the copy, where they can be known without reading everything twice. */
async function takeStock(
  one: Opened,
  naming: Naming,
  only: readonly string[] | undefined,
  { meter, signal, target, dryRun }: ImageCopyOptions,
): Promise<void> {
  const { source } = one;
  const blind = naming.kind === 'keep' && naming.rules.length === 0 && !only && !dryRun;
  if (source.access === 'sequential' && !source.complete) {
    // Into one archive, whatever comes goes there; its writer refuses one name for two images.
    if (blind && target.transport !== 'docker') return;
    meter.expect(source.bytes);
    for await (const _ of source.layers()) signal?.throwIfAborted();
  }
  one.inventory = await source.inventory();
  const all = namedContent(one.inventory);
  if (only)
    expectAll(
      only,
      all.map(({ name }) => name),
      source.description,
    );
  one.renamed = all
    .filter(({ name }) => only?.includes(familiarName(name)) ?? true)
    .map(({ name, content }) => ({ ...rename(name, naming), content }));
}

async function copyAll(
  opened: readonly Opened[],
  destination: Destination,
  naming: Naming,
  only: readonly string[] | undefined,
  options: ImageCopyOptions,
): Promise<CopyReport[]> {
  const reports: CopyReport[] = [];
  try {
    for (const { source } of opened) {
      const { compression = 'gzip', meter, signal } = options;
      const selection = selectionOf(naming, only, options);
      reports.push(
        await destination.copy(source, { ...selection, compression, meter, ...(signal && { signal }) }),
      );
    }
    await destination.commit();
    return reports;
  } finally {
    await destination.discard();
  }
}

function selectionOf(
  naming: Naming,
  only: readonly string[] | undefined,
  { platforms, target }: ImageCopyOptions,
): Selection {
  const wanted = platforms?.map(parsePlatform);
  const named = (from: Reference[]): Reference[] =>
    from.filter(name => only?.includes(familiarName(name)) ?? true).map(name => rename(name, naming).to);
  return {
    names: from => [...new Map(named(from).map(to => [formatReference(to), to])).values()],
    ...(wanted && { platform: ({ platform }) => wanted.some(one => platformMatches(one, platform)) }),
    unnamed: only === undefined && naming.kind === 'keep' && target.transport !== 'docker-daemon',
  };
}

function summary(
  opened: readonly Opened[],
  target: string,
  dryRun: boolean,
  reports: readonly CopyReport[],
): ImagesCopied {
  const total = (kind: 'moved' | 'present' | 'mounted') =>
    reports.reduce(
      (sum, report) => ({ blobs: sum.blobs + report[kind].blobs, bytes: sum.bytes + report[kind].bytes }),
      { blobs: 0, bytes: 0 },
    );
  const renamed = opened.flatMap(one => one.renamed);
  return {
    sources: opened.map(({ source }) => source.description),
    target,
    dryRun,
    images: dryRun ? renamed.map(planned) : reports.flatMap(report => copied(report, renamed)),
    unnamed: opened.flatMap(({ inventory }) => (inventory ? unnamedImages(inventory) : [])),
    moved: total('moved'),
    present: total('present'),
    mounted: total('mounted'),
  };
}

function planned({ from, to, rule, content }: Renamed): CopiedName {
  return {
    from: familiarName(from),
    to: formatReference(to),
    ...(rule ? { rule } : {}),
    digest: content,
    outcome: 'planned',
  };
}

/** One line for each name, in the order of the source; for content that nobody named before, in that of the copy. */
function copied({ images }: CopyReport, renamed: readonly Renamed[]): CopiedName[] {
  const ends = new Map(
    images.flatMap(image => image.to.map(to => [formatReference(to), endOf(image)] as const)),
  );
  const known = renamed.flatMap(({ from, to, rule }): CopiedName[] => {
    const name = formatReference(to);
    const end = ends.get(name);
    return end ? [{ from: familiarName(from), to: name, ...(rule ? { rule } : {}), ...end }] : [];
  });
  const told = new Set(known.map(({ to }) => to));
  const others = images.flatMap((image): CopiedName[] => {
    const end = endOf(image);
    if (image.to.length === 0) return [end];
    return image.to
      .map(to => ({ from: familiarName(image.from[0] ?? to), to: formatReference(to), ...end }))
      .filter(({ to }) => !told.has(to));
  });
  return [...known, ...others];
}

function endOf({ manifest, present }: CopyReport['images'][number]): Pick<CopiedName, 'digest' | 'outcome'> {
  return { digest: manifest.digest, outcome: present ? 'present' : 'copied' };
}
