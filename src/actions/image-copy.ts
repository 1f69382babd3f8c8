/**
 * `image copy`, and what push, pull, save and load to engines have in common with it: images from any places to any place.
 *
 * Open the sources, find out what each name becomes, refuse collisions before anything moves, copy one source after
 * the other, and only then let the target stand.
 */
import { type TrustOptions, trustOf } from '../bundle/sign/trust.ts';
import type { Compression } from '../content/media-types.ts';
import type { Reference } from '../content/reference.ts';
import type { RetagRule } from '../content/retag.ts';
import { AirferryError } from '../errors.ts';
import { layersFolder } from '../registry/upload-journal.ts';
import type { Meter } from '../support/meter.ts';
import type { CopyReport, PreparedCopy } from '../transports/copy.ts';
import { LayerBook } from '../transports/layer-book.ts';
import { formatLocation, type Location } from '../transports/location.ts';
import type { Selection } from '../transports/selection.ts';
import { nameSole, withInventory } from '../transports/sole.ts';
import type { Inventory } from '../transports/source.ts';
import { type ImagesCopied, summary } from './copied.ts';
import type { WantedImage } from './image-names.ts';
import type { Destination, OpenedSource } from './image-place.ts';
import { type Access, openDestination, openSources } from './image-places.ts';
import { lotsByPlatform, widest } from './platform-lots.ts';
import {
  type Choice,
  expectAll,
  type NamedContent,
  namedContent,
  namedForetold,
  namingFor,
  type Renamed,
  refuseCollisions,
  renamings,
} from './renaming.ts';

/** Blobs under way at once between registries and files. */
const BLOBS_FROM_AFAR = 5;

export interface ImageCopyOptions extends Omit<Access, 'trust'>, TrustOptions {
  /** In their order; content that several have is moved once. */
  sources: readonly Location[];
  target: Location;
  rules?: readonly RetagRule[];
  /** The images that are asked for by name. Default all. Platforms of theirs count where `platforms` says nothing. */
  wanted?: readonly WantedImage[];
  /** Find out the names, and stop. */
  dryRun?: boolean;
  /** For layers that come uncompressed. Default gzip. */
  compression?: Compression;
  meter: Meter;
  signal?: AbortSignal;
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
  if (options.sources.length === 0) {
    throw new AirferryError('USAGE', 'no image is named', {
      suggestions: ['Name one, or give a list with --images, --compose or --kubernetes.'],
    });
  }
  const naming = namingFor(options.target, options.rules ?? []);
  const choice: Choice = { naming, ...(wanted && { wanted }) };
  const opened: Opened[] = [];
  try {
    const platforms = widest(options.platforms, wanted);
    const trust = await trustOf(options);
    for (const one of await openSources(options.sources, { ...options, platforms, trust }))
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
    // An archive takes blobs in turn unless they come from afar, where each is waited for.
    const afar = options.sources.some(({ transport }) => transport === 'docker');
    const concurrency = options.concurrency ?? (afar ? BLOBS_FROM_AFAR : undefined);
    const destination = await openDestination(options.target, { ...options, concurrency });
    return summary(
      opened,
      // A registry is the whole of it; where in it images go stands in the location.
      options.target.transport === 'docker' ? target : destination.description,
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
function settle(one: Opened, all: readonly NamedContent[], choice: Choice): void {
  one.names = all.map(({ name }) => name);
  one.renamed = all.flatMap(({ name, ...content }) =>
    renamings(name, choice).map(renaming => ({ ...renaming, ...content })),
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
  // A layer that came from one source is neither compressed nor sent again for another.
  const { compression = 'gzip', meter, signal, target } = options;
  const known = target.transport === 'docker' ? await LayerBook.open(layersFolder(), compression) : new Map();
  const names = opened.flatMap(one => one.names);
  const selection = selectionOf(names, choice, options);
  const watch = { meter, ...(signal && { signal }) };
  try {
    const copies: PreparedCopy[] = [];
    for (const { source } of opened)
      copies.push(await destination.prepare(source, { ...selection, compression, known, ...watch }));
    const reports: CopyReport[] = [];
    for (const copy of copies) reports.push(await copy.run());
    await destination.commit();
    return reports;
  } finally {
    await destination.discard();
  }
}

function selectionOf(
  found: readonly Reference[],
  choice: Choice,
  { platforms, referrers, target }: ImageCopyOptions,
): Selection {
  const all = choice.wanted === undefined && choice.naming.kind === 'keep';
  const [first, ...also] = lotsByPlatform(found, choice, platforms);
  return {
    ...first,
    ...(also.length > 0 && { also }),
    unnamed: all && target.transport !== 'docker-daemon',
    ...(referrers && { referrers }),
  };
}
