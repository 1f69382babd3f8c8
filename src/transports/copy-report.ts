/** What a copy has done: what stands where now, under which digest, and what travelled for it. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { parseManifest } from '../content/manifest.ts';
import { isForeignLayer } from '../content/media-types.ts';
import type { Reference } from '../content/reference.ts';
import type { PlannedImage, PlannedIndex } from './planned.ts';
import type { Document } from './source.ts';
import type { PutResult } from './target.ts';

/**
 * Why content has another digest than in the source: of an index only one platform was wanted (`platform`) or not all
 * (`platforms`), so that one of its images stands for it, or an index over the rest; or `layers` came uncompressed; or
 * the target knows what has a tag by an `algorithm` of its own, though the bytes are the same; or it is an `engine`, which
 * knows images by their configs, or wrote a manifest of its own.
 */
export type DigestChange = 'platform' | 'platforms' | 'layers' | 'algorithm' | 'engine';

/** Content that now stands at the target. */
export interface CopiedImage {
  /** Names in the source; none for content that is known by its digest alone. */
  from: Reference[];
  to: Reference[];
  manifest: Descriptor;
  /** True when the target had it all, so that one question per name was all it took. */
  present: boolean;
  /** Its digest in the source; absent where the source has no manifest of it. */
  source?: Digest;
  /** Present where `manifest` has another digest than `source`. */
  changed?: DigestChange;
  /** What it is, if it is no image. */
  artifactType?: string;
  /** The manifest that it is about. */
  subject?: Digest;
  /** Bytes of blobs, as stored. What several images want is counted as moved for the first of them alone. */
  moved: number;
  spared: number;
}

interface Tally {
  blobs: number;
  /** As stored at the target. */
  bytes: number;
}

export interface CopyReport {
  images: CopiedImage[];
  /** What is about them and went along. */
  referrers: CopiedImage[];
  /** Blobs that travelled; that the target said it had; that it took from another of its repositories. */
  moved: Tally;
  present: Tally;
  mounted: Tally;
  /** All that belongs to the content above and did not have to travel, each blob once. */
  spared: Tally;
}

/** In the operator's words: whether an image kept its digest, and if not, why. */
export function digestNote({ source, changed }: Pick<CopiedImage, 'source' | 'changed'>): string {
  switch (changed) {
    case 'platform':
      return 'digest changed: only one platform of the index was copied';
    case 'platforms':
      return 'digest changed: not all that the index names was copied';
    case 'layers':
      return 'digest changed: layers were compressed on the way';
    case 'algorithm':
      return 'digest changed: the registry names the same bytes by sha256';
    case 'engine':
      return 'digest changed: the engine knows the image by an ID of its own';
    default:
      return source === undefined ? 'digest is new: the source has none' : 'digest kept';
  }
}

/** An item of the plan that stands at the target. */
export interface Outcome {
  planned: PlannedImage | PlannedIndex;
  manifest: Document;
  present: boolean;
  /** An index that names only what the source holds, since the target takes no other. */
  cut?: boolean;
  /** The digest by which the target knows the manifest under its names, where that is not its own. */
  known?: Digest;
}

/** Keeps count of blobs while they are put, and of what stands at the end. */
export class Ledger {
  readonly #moved = new Set<Digest>();
  readonly #tallies = { moved: nothing(), present: nothing(), mounted: nothing() };

  note({ descriptor, how }: PutResult): void {
    this.#tallies[how].blobs++;
    this.#tallies[how].bytes += descriptor.size;
    if (how === 'moved') this.#moved.add(descriptor.digest);
  }

  /** A blob travelled after all, of which something else was noted. */
  correct({ descriptor, how }: PutResult): void {
    if (how === 'moved') return;
    this.#tallies[how].blobs--;
    this.#tallies[how].bytes -= descriptor.size;
    this.note({ descriptor, how: 'moved' });
  }

  report(outcomes: readonly Outcome[], referrers: readonly Outcome[]): CopyReport {
    const manifests = new Map([...outcomes, ...referrers].map(one => [one.planned, one.manifest]));
    const claimed = new Set<Digest>();
    const describe = (outcome: Outcome, all: boolean): CopiedImage[] => {
      const blobs = contentOf(outcome, manifests);
      return claimsOf(outcome, all).map(claim => ({ ...claim, ...this.#share(blobs, claimed) }));
    };
    const images = outcomes.flatMap(outcome => describe(outcome, false));
    const attached = referrers.flatMap(outcome => describe(outcome, true));
    const blobs = [...outcomes, ...referrers].flatMap(outcome => [...contentOf(outcome, manifests).values()]);
    const unmoved = new Map(
      blobs.filter(({ digest }) => !this.#moved.has(digest)).map(blob => [blob.digest, blob.size]),
    );
    const spared = { blobs: unmoved.size, bytes: [...unmoved.values()].reduce((sum, size) => sum + size, 0) };
    return { images, referrers: attached, ...this.#tallies, spared };
  }

  #share(
    blobs: ReadonlyMap<Digest, Descriptor>,
    claimed: Set<Digest>,
  ): Pick<CopiedImage, 'moved' | 'spared'> {
    const share = { moved: 0, spared: 0 };
    for (const { digest, size } of blobs.values()) {
      share[this.#moved.has(digest) && !claimed.has(digest) ? 'moved' : 'spared'] += size;
      claimed.add(digest);
    }
    return share;
  }
}

/** Config and layers that stand at the target; of an index, those of all its images. */
function contentOf(
  { planned, manifest }: Outcome,
  manifests: ReadonlyMap<Outcome['planned'], Document>,
): Map<Digest, Descriptor> {
  const documents =
    'image' in planned
      ? [manifest]
      : planned.images.map(image => manifests.get(image) ?? image.image.manifest ?? manifest);
  const blobs = documents.flatMap(({ bytes, descriptor }) => {
    const parsed = parseManifest(bytes, descriptor.mediaType);
    return parsed.kind === 'image' ? [parsed.config, ...parsed.layers] : [];
  });
  const held = blobs.filter(({ mediaType }) => !isForeignLayer(mediaType));
  return new Map(held.map(blob => [blob.digest, blob]));
}

/** One entry for each thing that the names stood for in the source; `all`: also what has no name at the target. */
function claimsOf(outcome: Outcome, all: boolean): Omit<CopiedImage, 'moved' | 'spared'>[] {
  const { planned, manifest, present, known: digest = manifest.descriptor.digest } = outcome;
  const known = planned.claims.filter(({ to, nameless }) => to.length > 0 || nameless);
  const told = known.length === 0 && all ? planned.claims.slice(-1) : known;
  const image = 'image' in planned ? planned.image : undefined;
  return told.map(({ from, to, was }) => {
    const changed = changeOf(outcome, was);
    return {
      from,
      to,
      manifest: { ...manifest.descriptor, digest },
      present,
      ...(was ? { source: was } : {}),
      ...(changed ? { changed } : {}),
      ...(image?.artifactType === undefined ? {} : { artifactType: image.artifactType }),
      ...(image?.subject ? { subject: image.subject } : {}),
    };
  });
}

function changeOf(
  { planned, manifest, cut, known }: Outcome,
  was: Digest | undefined,
): DigestChange | undefined {
  if (was === undefined) return undefined;
  if (was === manifest.descriptor.digest) return known === undefined ? undefined : 'algorithm';
  if (!('image' in planned)) return cut || planned.index.descriptor.digest !== was ? 'platforms' : 'layers';
  return planned.image.manifest?.descriptor.digest === was ? 'layers' : 'platform';
}

function nothing(): Tally {
  return { blobs: 0, bytes: 0 };
}
