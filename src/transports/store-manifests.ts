/** The last part of a copy: manifests, each after all that it names; what is about an image after the image. */
import { bare, type Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import type { Reference } from '../content/reference.ts';
import { isMissingContent } from '../registry/errors.ts';
import { mapLimit } from '../support/limit.ts';
import { once } from '../support/once.ts';
import type { Outcome } from './copy-report.ts';
import { inScope, NOWHERE, repositoryOf, untagged } from './homes.ts';
import { childrenOf, heldOnly, indexOver } from './plan-index.ts';
import type { Plan, PlannedImage, PlannedIndex } from './planned.ts';
import type { Document, SourceImage } from './source.ts';
import type { BlobInput, ImageTarget } from './target.ts';

export interface Storing {
  target: ImageTarget;
  /** The manifest of an image whose layers are stored. */
  assemble(image: SourceImage): Document;
  put(blob: BlobInput, home: Reference): Promise<Descriptor>;
  /** Told of each name of the plan once it stands. */
  onNamed?: ((name: Reference) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Stored {
  outcomes: Outcome[];
  referrers: Outcome[];
}

/** Store configs, manifests and indexes. What is about something that became another on the way stays behind. */
export async function storeManifests(plan: Plan, storing: Storing): Promise<Stored> {
  const store = new Store(storing);
  const images = await store.images(plan.images);
  const indexes: Outcome[] = [];
  const digestOf = ({ index }: { index: Document }) => index.descriptor.digest;
  const childDigests = ({ index }: { index: Document }) => childrenOf(index).map(({ digest }) => digest);
  for (const wave of waves(plan.indexes, digestOf, childDigests))
    indexes.push(...(await store.indexes(wave)));
  const referrers: Outcome[] = [];
  const subjects = ({ image }: PlannedImage): Digest[] => (image.subject ? [image.subject] : []);
  const manifestDigest = ({ image }: PlannedImage) => image.manifest?.descriptor.digest;
  for (const wave of waves(plan.referrers, manifestDigest, subjects))
    referrers.push(...(await store.referrers(wave)));
  return { outcomes: [...images, ...indexes], referrers };
}

class Store {
  readonly #storing: Storing;
  /** What has another digest at the target than in the source; undefined for what stayed behind. */
  readonly #became = new Map<Digest, Descriptor | undefined>();

  constructor(storing: Storing) {
    this.#storing = storing;
  }

  images(planned: PlannedImage[]): Promise<Outcome[]> {
    return this.#each(planned, one => this.#image(one, one.homes));
  }

  referrers(planned: PlannedImage[]): Promise<Outcome[]> {
    const about = ({ image }: PlannedImage): boolean => !(image.subject && this.#became.has(image.subject));
    for (const { image } of planned)
      if (image.subject && this.#became.has(image.subject) && image.manifest)
        this.#became.set(image.manifest.descriptor.digest, undefined);
    // Archives find a referrer by an entry of its own, not through what it is about.
    const whole = this.#storing.target.scope === 'whole';
    return this.#each(planned.filter(about), one => this.#image(one, whole ? [NOWHERE] : one.homes));
  }

  indexes(planned: PlannedIndex[]): Promise<Outcome[]> {
    return this.#each(planned, async one => {
      const { index, to, homes } = one;
      const manifest = this.#index(index, index);
      try {
        return { planned: one, manifest, present: false, ...(await this.#manifest(manifest, to, homes)) };
      } catch (error) {
        const held = heldOnly(one);
        if (!isMissingContent(error) || !held) throw error;
        // A strict registry takes an index only beside all that it names: then it names what there is.
        const cut = this.#index(index, held);
        const stored = await this.#manifest(cut, to, homes);
        return { planned: one, manifest: cut, present: false, cut: true, ...stored };
      }
    });
  }

  /** What an index becomes: `wanted`, which may name fewer children, over the digests that they have at the target. */
  #index({ descriptor }: Document, wanted: Document): Document {
    const children = childrenOf(wanted);
    const now = children.map(child => [child.digest, this.#became.get(child.digest) ?? bare(child)] as const);
    const changed = now.some(([digest, became]) => became.digest !== digest);
    const manifest = changed ? indexOver(wanted, new Map(now)) : wanted;
    if (manifest.descriptor.digest !== descriptor.digest)
      this.#became.set(descriptor.digest, manifest.descriptor);
    return manifest;
  }

  #each<T>(items: T[], work: (item: T) => Promise<Outcome>): Promise<Outcome[]> {
    const { target, signal } = this.#storing;
    return mapLimit(items, target.concurrency, async item => {
      signal?.throwIfAborted();
      return work(item);
    });
  }

  async #image(planned: PlannedImage, homes: Reference[]): Promise<Outcome> {
    const { target, assemble, put } = this.#storing;
    const { config, origin, manifest: original } = planned.image;
    const manifest = assemble(planned.image);
    if (original && original.descriptor.digest !== manifest.descriptor.digest)
      this.#became.set(original.descriptor.digest, manifest.descriptor);
    const blob = {
      descriptor: config.descriptor,
      ...(origin ? { origin } : {}),
      open: () => once(config.bytes),
    };
    for (const home of inScope(homes, target.scope)) await put(blob, home);
    return { planned, manifest, present: false, ...(await this.#manifest(manifest, planned.to, homes)) };
  }

  /** Under its names, and by its digest wherever else it has to be; there also where a name alone would not keep that. */
  async #manifest(manifest: Document, to: Reference[], homes: Reference[]): Promise<Pick<Outcome, 'known'>> {
    const { target } = this.#storing;
    const { digest } = manifest.descriptor;
    const kept = new Set<string>();
    let known: Digest | undefined;
    for (const name of to) {
      const told = await target.putManifest(manifest, fitting(name, manifest, target.scope));
      this.#storing.onNamed?.(name);
      if (told === digest) kept.add(repositoryOf(name));
      else known = told;
    }
    const others = homes.filter(home => !kept.has(repositoryOf(home)) && !to.includes(home));
    for (const home of inScope(others, 'repository')) await target.putManifest(manifest, untagged(home));
    return known === undefined ? {} : { known };
  }
}

/** A name that says nothing wrong: a digest in it may be that of the index for which this manifest stands in. */
function fitting(name: Reference, { descriptor }: Document, scope: ImageTarget['scope']): Reference {
  if (name.digest === undefined || (name.tag === undefined && name.digest === descriptor.digest)) return name;
  if (name.tag !== undefined) return { ...untagged(name), tag: name.tag };
  return scope === 'whole' ? NOWHERE : untagged(name);
}

/** Items in groups: none needs one of its own group or of a later one. */
function* waves<T>(
  items: T[],
  digestOf: (item: T) => Digest | undefined,
  needs: (item: T) => Digest[],
): Generator<T[]> {
  for (let left = items; left.length > 0; ) {
    const pending = new Set(left.map(digestOf));
    const ready = left.filter(item => !needs(item).some(digest => pending.has(digest)));
    yield ready;
    left = left.filter(item => !ready.includes(item));
    if (ready.length === 0) return;
  }
}
