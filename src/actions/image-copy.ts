/**
 * `image copy`, and what push, pull, save and load to engines have in common with it: images from any places to any place.
 *
 * Open the sources, find out what each name becomes, refuse collisions before anything moves, copy one source after
 * the other, and only then let the target stand.
 */
import type { Digest } from '../content/digest.ts';
import type { Compression } from '../content/media-types.ts';
import { parsePlatform, platformMatches } from '../content/platform.ts';
import { familiarName, formatReference, type Reference } from '../content/reference.ts';
import type { RetagRule } from '../content/retag.ts';
import type { Meter } from '../support/meter.ts';
import type { CopiedImage, CopyReport, DigestChange } from '../transports/copy.ts';
import { formatLocation, type Location } from '../transports/location.ts';
import type { Selection } from '../transports/plan.ts';
import { nameSole, withInventory } from '../transports/sole.ts';
import type { Inventory } from '../transports/source.ts';
import type { WantedImage } from './image-names.ts';
import type { Destination, OpenedSource } from './image-place.ts';
import { type Access, openDestination, openSources } from './image-places.ts';
import {
  type Choice,
  expectAll,
  namedContent,
  namedForetold,
  namingFor,
  type Renamed,
  refuseCollisions,
  renamings,
  unnamedImages,
} from './renaming.ts';

export interface ImageCopyOptions extends Access {
  /** In their order; content that several have is moved once. */
  sources: readonly Location[];
  target: Location;
  rules?: readonly RetagRule[];
  /** The images that are asked for by name. Default all. */
  wanted?: readonly WantedImage[];
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
  /** What the digest was in the source, where it could not be kept, and why. */
  was?: Digest;
  changed?: DigestChange;
  /** The media type that says what it is, if it is no image. */
  artifactType?: string;
  /** The manifest that it is about: signatures and SBOMs name one. */
  subject?: Digest;
  /** Bytes of its blobs that travelled for it, and that did not have to. */
  moved?: number;
  spared?: number;
  /** `present`: the target had it all. `planned`: a dry run. */
  outcome: 'copied' | 'present' | 'planned';
}

export interface ImagesCopied {
  sources: string[];
  target: string;
  dryRun: boolean;
  images: CopiedName[];
  /** Signatures, SBOMs and attestations that went along. */
  referrers: CopiedName[];
  /** Images without a name that were left behind, since the target knows images by name; by ID. */
  unnamed: Digest[];
  /** Blobs and bytes that travelled, were there, or were taken from another repository of the registry. */
  moved: CopyReport['moved'];
  present: CopyReport['present'];
  mounted: CopyReport['mounted'];
  /** What belongs to the images and did not have to travel, each blob once. */
  spared: CopyReport['spared'];
}

/** A source with what is known of it before the copy; without an inventory that is nothing. */
interface Opened extends OpenedSource {
  inventory: Inventory | undefined;
  names: Reference[];
  renamed: Renamed[];
}

/**
 * Copy images. Throws RULE_INVALID, RULE_COLLISION, USAGE and IMAGE_NOT_FOUND before anything is moved, and what the
 * places throw.
 */
export async function copyImages(options: ImageCopyOptions): Promise<ImagesCopied> {
  const { wanted } = options;
  const naming = namingFor(options.target, options.rules ?? []);
  const choice: Choice = { naming, ...(wanted && { wanted }) };
  const opened: Opened[] = [];
  try {
    for (const one of await openSources(options.sources, options))
      opened.push({ ...one, inventory: undefined, names: [], renamed: [] });
    for (const one of opened) await takeStock(one, choice, options);
    if (wanted)
      expectAll(
        wanted,
        opened.flatMap(({ names }) => names),
        describeAll(opened),
      );
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
      await copyAll(opened, destination, choice, options),
    );
  } finally {
    for (const { close } of opened) await close();
  }
}

/** Names before the copy, where they can be known without reading everything twice. */
async function takeStock(
  one: Opened,
  choice: Choice,
  { meter, signal, target, dryRun }: ImageCopyOptions,
): Promise<void> {
  const { naming, wanted } = choice;
  const { source } = one;
  if (source.access === 'sequential' && source.foretold) {
    settle(one, namedForetold(source.foretold), choice);
    return;
  }
  const blind = naming.kind === 'keep' && naming.rules.length === 0 && !wanted && !dryRun;
  if (source.access === 'sequential' && !source.complete) {
    // Into one archive, whatever comes goes there; its writer refuses one name for two images.
    if (blind && target.transport !== 'docker') return;
    meter.expect(source.bytes);
    for await (const _ of source.layers()) signal?.throwIfAborted();
  }
  one.inventory = await source.inventory();
  if (naming.kind === 'one') {
    one.inventory = nameSole(one.inventory, naming.to);
    one.source = withInventory(source, one.inventory);
  }
  settle(one, namedContent(one.inventory), choice);
}

/** The names that there are, and what those that are wanted become. */
function settle(one: Opened, all: readonly { name: Reference; content: Digest }[], choice: Choice): void {
  one.names = all.map(({ name }) => name);
  one.renamed = all.flatMap(({ name, content }) =>
    renamings(name, choice).map(renaming => ({ ...renaming, content })),
  );
}

function describeAll(opened: readonly Opened[]): string {
  return opened.map(({ source }) => source.description).join(', ');
}

async function copyAll(
  opened: readonly Opened[],
  destination: Destination,
  choice: Choice,
  options: ImageCopyOptions,
): Promise<CopyReport[]> {
  const reports: CopyReport[] = [];
  try {
    for (const { source } of opened) {
      const { compression = 'gzip', meter, signal } = options;
      const selection = selectionOf(choice, options);
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

function selectionOf(choice: Choice, { platforms, referrers, target }: ImageCopyOptions): Selection {
  const { naming, wanted } = choice;
  const chosen = platforms?.map(parsePlatform);
  const all = wanted === undefined && naming.kind === 'keep';
  return {
    names: from => [
      ...new Map(
        from.flatMap(name => renamings(name, choice)).map(({ to }) => [formatReference(to), to]),
      ).values(),
    ],
    ...(chosen && { platform: ({ platform }) => chosen.some(one => platformMatches(one, platform)) }),
    unnamed: all && target.transport !== 'docker-daemon',
    ...(referrers && { referrers }),
  };
}

function summary(
  opened: readonly Opened[],
  target: string,
  dryRun: boolean,
  reports: readonly CopyReport[],
): ImagesCopied {
  const total = (kind: 'moved' | 'present' | 'mounted' | 'spared') =>
    reports.reduce(
      (sum, report) => ({ blobs: sum.blobs + report[kind].blobs, bytes: sum.bytes + report[kind].bytes }),
      { blobs: 0, bytes: 0 },
    );
  const renamed = opened.flatMap(one => one.renamed);
  return {
    sources: opened.map(({ source }) => source.description),
    target,
    dryRun,
    images: distinct(
      dryRun ? renamed.map(planned) : opened.flatMap((one, i) => copied(reports[i], one.renamed)),
    ),
    referrers: reports.flatMap(({ referrers }) => referrers.map(endOf)),
    unnamed: opened.flatMap(({ inventory }) => (inventory ? unnamedImages(inventory) : [])),
    moved: total('moved'),
    present: total('present'),
    mounted: total('mounted'),
    spared: total('spared'),
  };
}

/** Engines of several hosts often have the same image; it is told once, where it was copied. */
function distinct(images: readonly CopiedName[]): CopiedName[] {
  const seen = new Set<string>();
  return images.filter(({ from, to, digest }) => {
    const key = `${from} ${to} ${digest}`;
    return !seen.has(key) && seen.add(key);
  });
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

/**
 * One line for each name, in the order of the source. What was not known before the copy has kept its names; it comes
 * in the order of the copy.
 */
function copied(report: CopyReport | undefined, renamed: readonly Renamed[]): CopiedName[] {
  const images = report?.images ?? [];
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
      .map(to => ({ from: familiarName(to), to: formatReference(to), ...end }))
      .filter(({ to }) => !told.has(to));
  });
  return [...known, ...others];
}

function endOf({
  manifest,
  present,
  source,
  changed,
  artifactType,
  subject,
  moved,
  spared,
}: CopiedImage): CopiedName {
  return {
    digest: manifest.digest,
    ...(changed && source ? { was: source, changed } : {}),
    ...(artifactType ? { artifactType } : {}),
    ...(subject ? { subject } : {}),
    moved,
    spared,
    outcome: present ? 'present' : 'copied',
  };
}
