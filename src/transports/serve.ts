/**
 * Images of a source as the content of a registry: manifests byte for byte, blobs from where they lie, nothing unpacked.
 *
 * A repository is called by its path, as is expected of a registry that stands in for another one: `library/nginx`,
 * `plant/app`. With its registry in front, `quay.io/plant/app`, it is found too, and two of the same path are told apart;
 * of these the first one answers to the path. Docker's own images also have their short name, `nginx`. Images without any
 * name are in a repository that is called as their file is; one that is alone there is its `latest`.
 */
import type { Digest } from '../content/digest.ts';
import type { Reference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import type { Referrer, RegistryContent, ServedBlob, ServedManifest } from '../registry/server/content.ts';
import { nameWithin } from '../registry/server/namespace.ts';
import { referrerOf } from '../registry/server/referrer.ts';
import { type HeldManifest, heldManifests } from './served/manifests.ts';
import { nameOfFile, shortName } from './served/names.ts';
import type { ImageSource, RandomSource } from './source.ts';

interface Repository {
  tags: Map<string, Digest>;
  manifests: Map<Digest, ServedManifest>;
  blobs: Map<Digest, ServedBlob>;
  referrers: Map<Digest, Referrer[]>;
}

type Held = ReadonlyMap<Digest, HeldManifest>;

/** A source that can be served. Throws ARCHIVE_INVALID for one that can only be read from its beginning to its end. */
export function servable(source: ImageSource): RandomSource {
  if (source.access === 'random') return source;
  throw new AirferryError(
    'ARCHIVE_INVALID',
    `${source.description} is compressed as a whole: its layers cannot be served from where they lie`,
    {
      suggestions: [
        'Uncompress it first (gunzip, zstd -d), or pack it into a bundle: airferry bundle create.',
      ],
    },
  );
}

/**
 * What a source has, for `serveRegistry`. The source is to stay open for as long as its content is served. Throws what
 * reading it throws.
 */
export async function contentOf(source: RandomSource): Promise<RegistryContent> {
  const held = await heldManifests(source);
  const { repositories, listed } = shelve(held, nameOfFile(source.description));
  return {
    description: source.description,
    repositories: async () => listed,
    tags: async name => {
      const tags = repositories.get(name)?.tags;
      return tags && [...tags.keys()];
    },
    manifest: async (name, reference) => {
      const repository = repositories.get(name);
      const digest = repository?.tags.get(reference) ?? (reference as Digest);
      return repository?.manifests.get(digest);
    },
    blob: async (name, digest) => repositories.get(name)?.blobs.get(digest),
    referrers: async (name, subject) => repositories.get(name)?.referrers.get(subject) ?? [],
  };
}

/** Put everything where it is looked for. `listed` has each repository once: by its whole name only where paths collide. */
function shelve(held: Held, fallback: string): { repositories: Map<string, Repository>; listed: string[] } {
  const repositories = new Map<string, Repository>();
  const listed = new Set<string>();
  /** By name without a registry: the registry that answers to it. */
  const owners = new Map<string, string>();
  const put = (name: string, tag: string | undefined, digest: Digest): void => {
    const repository = repositories.get(name) ?? emptyRepository();
    repositories.set(name, repository);
    if (tag !== undefined && !repository.tags.has(tag)) repository.tags.set(tag, digest);
    add(repository, held, digest);
  };
  const putAs = (name: string, { registry, tag }: Reference, digest: Digest): boolean => {
    const owner = owners.get(name) ?? registry;
    owners.set(name, owner);
    if (owner === registry) put(name, tag, digest);
    return owner === registry;
  };
  const names = namesOf(held);
  for (const { reference, digest } of names) {
    const { registry, repository: path, tag } = reference;
    const whole = nameWithin(registry, path);
    if (whole !== undefined) put(whole, tag, digest);
    if (putAs(path, reference, digest)) listed.add(path);
    else if (whole !== undefined) listed.add(whole);
  }
  const nameless = namelessOf(held);
  for (const digest of nameless) put(fallback, nameless.length === 1 ? 'latest' : undefined, digest);
  if (nameless.length > 0) listed.add(fallback);
  const taken = new Set(repositories.keys());
  for (const { reference, digest } of names) {
    const short = shortName(reference);
    if (short !== undefined && !taken.has(short)) putAs(short, reference, digest);
  }
  for (const repository of repositories.values()) addReferrers(repository, held);
  return { repositories, listed: [...listed] };
}

/** Docker's own images first: they are what is meant by a name without a registry. */
function namesOf(held: Held): { reference: Reference; digest: Digest }[] {
  const all = [...held].flatMap(([digest, { names }]) => names.map(reference => ({ reference, digest })));
  const isDocker = ({ reference }: { reference: Reference }): boolean => reference.registry === 'docker.io';
  return [...all.filter(isDocker), ...all.filter(one => !isDocker(one))];
}

/** What no name, no index and no subject leads to. */
function namelessOf(held: Held): Digest[] {
  const children = new Set([...held.values()].flatMap(one => one.children));
  return [...held]
    .filter(([digest, { names }]) => names.length === 0 && !children.has(digest))
    .filter(([, { subject }]) => subject === undefined || !held.has(subject))
    .map(([digest]) => digest);
}

function emptyRepository(): Repository {
  return { tags: new Map(), manifests: new Map(), blobs: new Map(), referrers: new Map() };
}

/** A manifest with all that it names. */
function add(repository: Repository, held: Held, digest: Digest): void {
  const found = held.get(digest);
  if (!found || repository.manifests.has(digest)) return;
  repository.manifests.set(digest, found.manifest);
  for (const [name, blob] of found.blobs) repository.blobs.set(name, blob);
  for (const child of found.children) add(repository, held, child);
}

/** What is about a manifest of the repository belongs there too, and so does what is about that. */
function addReferrers(repository: Repository, held: Held): void {
  for (let before = -1; before < repository.manifests.size; ) {
    before = repository.manifests.size;
    for (const [digest, { subject }] of held)
      if (subject !== undefined && repository.manifests.has(subject)) add(repository, held, digest);
  }
  for (const manifest of repository.manifests.values()) {
    const about = referrerOf(manifest);
    if (!about) continue;
    const others = repository.referrers.get(about.subject) ?? [];
    repository.referrers.set(about.subject, [...others, about.referrer]);
  }
}
