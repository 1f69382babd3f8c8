/**
 * The `index.json` of a repository: every manifest that was pushed, under each of its tags, or without one. What others
 * wrote into it stays. OCI image-spec, image-layout.md. Pure.
 */
import type { Descriptor } from '../../../content/descriptor.ts';
import type { Digest } from '../../../content/digest.ts';
import { descriptor } from '../../../content/manifest.ts';
import { OCI_INDEX } from '../../../content/media-types.ts';
import { formatReference, isTag, parseReference } from '../../../content/reference.ts';
import { AirferryError, isAirferryError } from '../../../errors.ts';
import { isObject } from '../../../support/is-object.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
const IMAGE_NAME = 'io.containerd.image.name';

export interface Entry {
  descriptor: Descriptor;
  tag?: string;
  /** As it stands in the file. */
  raw: Record<string, unknown>;
}

/** `index.json` without its entries, and these. */
export interface IndexFile {
  rest: Record<string, unknown>;
  entries: Entry[];
}

export const EMPTY_INDEX: IndexFile = { rest: { schemaVersion: 2, mediaType: OCI_INDEX }, entries: [] };

/** Read an index.json. Throws STORAGE_INVALID. */
export function parseIndexFile(text: string, file: string): IndexFile {
  try {
    const json: unknown = JSON.parse(text);
    if (!isObject(json) || !Array.isArray(json.manifests)) throw new Error('it has no list of manifests');
    const { manifests, ...rest } = json;
    const entries = manifests.map((raw, i) => entryOf(descriptor(raw, `manifests[${i}]`), raw));
    return { rest, entries };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AirferryError('STORAGE_INVALID', `${file} is no index of an OCI layout: ${why}`, {
      where: { file },
      cause,
      suggestions: ['Take the folder that it is in out of the storage, or bring back a copy of the file.'],
    });
  }
}

export function formatIndexFile({ rest, entries }: IndexFile): Uint8Array {
  return Buffer.from(JSON.stringify({ ...rest, manifests: entries.map(({ raw }) => raw) }));
}

/** Put a manifest under a tag, which it takes from the one that had it; or without one, unless it is there already. */
export function withManifest(
  { rest, entries }: IndexFile,
  repository: string,
  manifest: Descriptor,
  tag: string | undefined,
): IndexFile {
  const { mediaType, digest, size } = manifest;
  const is = (entry: Entry): boolean => entry.descriptor.digest === digest;
  if (tag === undefined)
    return entries.some(is) ? { rest, entries } : { rest, entries: [...entries, untagged(manifest)] };
  const kept = withoutTag({ rest, entries }, tag).entries.filter(
    entry => !is(entry) || entry.tag !== undefined,
  );
  const name = imageName(repository, tag);
  const annotations = { [REF_NAME]: tag, ...(name !== undefined && { [IMAGE_NAME]: name }) };
  const raw = { mediaType, digest, size, annotations };
  return { rest, entries: [...kept, { descriptor: { mediaType, digest, size }, tag, raw }] };
}

/** Take a tag away; the manifest stays, known by its digest. */
export function withoutTag({ rest, entries }: IndexFile, tag: string): IndexFile {
  const gone = entries.find(entry => entry.tag === tag);
  if (!gone) return { rest, entries };
  const kept = entries.filter(entry => entry !== gone);
  const known = kept.some(entry => entry.descriptor.digest === gone.descriptor.digest);
  return { rest, entries: known ? kept : [...kept, untagged(gone.descriptor)] };
}

export function withoutManifest({ rest, entries }: IndexFile, digest: Digest): IndexFile {
  return { rest, entries: entries.filter(entry => entry.descriptor.digest !== digest) };
}

/** As engines call it. Where a registry is in front, its port follows an underscore; see `nameWithin`. */
function imageName(repository: string, tag: string): string | undefined {
  try {
    return formatReference(
      parseReference(`${repository.replace(/^([^/]*\.[^/]*)_(\d+)\//, '$1:$2/')}:${tag}`),
    );
  } catch (error) {
    if (isAirferryError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

function untagged({ mediaType, digest, size }: Descriptor): Entry {
  return { descriptor: { mediaType, digest, size }, raw: { mediaType, digest, size } };
}

/** Others may write a whole name where we write the tag. */
function entryOf(found: Descriptor, raw: Record<string, unknown>): Entry {
  const name = found.annotations?.[REF_NAME] ?? found.annotations?.[IMAGE_NAME];
  const last = name?.split('@')[0]?.split('/').at(-1)?.split(':').at(-1);
  const { mediaType, digest, size } = found;
  const entry = { descriptor: { mediaType, digest, size }, raw };
  return last !== undefined && isTag(last) ? { ...entry, tag: last } : entry;
}
