/** The documents of archives and layouts under changed names; all that is not a name stays as it was written. Pure. */
import { type Digest, isDigest } from '../content/digest.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../content/reference.ts';
import type { Renames } from './names.ts';
import { nameOf, type RawEntry, type RawIndex, renamedEntry, unnamedEntry } from './oci/index-json.ts';
import type { Inventory } from './source.ts';

/** `index.json` with changed names. Content that lost its last name keeps an entry without one. */
export function renameIndex(index: RawIndex, renames: Renames): RawIndex {
  const named: RawEntry[] = [];
  const seen = new Set<string>();
  for (const entry of index.manifests) {
    for (const other of renamed(entry, renames)) {
      const name = nameOf(other);
      const key = `${name ? formatReference(name) : JSON.stringify(other.annotations)} ${other.digest}`;
      if (!seen.has(key)) named.push(other);
      seen.add(key);
    }
  }
  const withName = new Set(named.filter(entry => nameOf(entry)).map(({ digest }) => digest));
  const before = new Set(index.manifests);
  const manifests = named.filter(entry => before.has(entry) || nameOf(entry) || !withName.has(entry.digest));
  return { ...index, manifests };
}

/** An entry of `index.json` becomes one for each of its new names. */
function renamed(entry: RawEntry, renames: Renames): RawEntry[] {
  const name = nameOf(entry);
  const to = name ? renames.of(name) : renames.ofUnnamed(entry.digest);
  if (to.length === 0) return [name ? unnamedEntry(entry) : entry];
  return to.map(other => (name && same(name, other) ? entry : renamedEntry(entry, other)));
}

/** `manifest.json` with changed names. `contents` tells each config's image and index; see `contentsByConfig`. */
export function renameManifestJson(
  bytes: Uint8Array,
  renames: Renames,
  contents: ReadonlyMap<Digest, readonly Digest[]>,
): Uint8Array {
  const items = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>[];
  return Buffer.from(
    JSON.stringify(
      items.map(item => {
        const before = (item.RepoTags ?? []) as string[];
        const config = configDigest(String(item.Config));
        const added = before.length === 0 ? renames.ofUnnamed(...(contents.get(config) ?? [])) : [];
        const after = [...before.flatMap(text => tags(text, renames)), ...added.map(tagOf)];
        const RepoTags = [...new Set(after.filter(text => text !== undefined))];
        return RepoTags.length === 0 && before.length === 0 ? item : { ...item, RepoTags };
      }),
    ),
  );
}

/** What an image with that config is known by: its own digests, and those of the indexes that name it. */
export function contentsByConfig({ images, indexes }: Inventory): Map<Digest, Digest[]> {
  const contents = new Map<Digest, Digest[]>();
  for (const { config, manifest } of images) {
    const digest = manifest?.descriptor.digest;
    const above = indexes.filter(({ children }) => digest && children.includes(digest));
    contents.set(config.descriptor.digest, [
      ...(contents.get(config.descriptor.digest) ?? []),
      config.descriptor.digest,
      ...(digest ? [digest] : []),
      ...above.map(({ index }) => index.descriptor.digest),
    ]);
  }
  return contents;
}

function tags(text: string, renames: Renames): (string | undefined)[] {
  const name = parseReference(text);
  return renames.of(name).map(other => (same(name, other) ? text : tagOf(other)));
}

/** As Docker's user writes it; a name without a tag has no place in `RepoTags`. */
function tagOf(name: Reference): string | undefined {
  return name.tag ? familiarName({ ...name, digest: undefined }) : undefined;
}

function same(one: Reference, other: Reference): boolean {
  return formatReference(one) === formatReference(other);
}

/** Configs lie under their digest: `blobs/sha256/<hex>`, or `<hex>.json` in the older format. */
function configDigest(path: string): Digest {
  const digest = `sha256:${/([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1]}`;
  return isDigest(digest) ? digest : 'sha256:';
}
