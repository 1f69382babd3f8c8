/**
 * `index.json` of a layout, changed without losing what others wrote into it: entries and fields that airferry does not
 * know stay as they are. OCI image-spec, image-layout.md. Pure.
 */
import type { Descriptor } from '../../content/descriptor.ts';
import { parseManifest } from '../../content/manifest.ts';
import { OCI_INDEX } from '../../content/media-types.ts';
import { formatReference, parseReference, type Reference } from '../../content/reference.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { isObject } from '../../support/is-object.ts';

/** containerd and Docker find an image by this annotation. */
export const IMAGE_NAME = 'io.containerd.image.name';
/** skopeo, podman and umoci find it by this one. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** An entry of `index.json`, with all its fields. */
export type RawEntry = Record<string, unknown> & Descriptor;

/** `index.json` with all its fields. */
export type RawIndex = Record<string, unknown> & { manifests: RawEntry[] };

/** The index of a layout that has none yet. */
export function emptyIndex(): RawIndex {
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };
}

/** Read `index.json`. Throws MANIFEST_INVALID, or ARCHIVE_INVALID for what is no index. */
export function parseIndexJson(bytes: Uint8Array, file: string): RawIndex {
  const parsed = parseManifest(bytes, OCI_INDEX);
  if (parsed.kind !== 'index')
    throw new AirferryError('ARCHIVE_INVALID', `index.json of ${file} is no index`, { where: { file } });
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

export function formatIndexJson(index: RawIndex): Uint8Array {
  return Buffer.from(JSON.stringify(index));
}

/**
 * The annotations by which tools find an image: its whole name, and what the operator wrote if that is known. A bare tag
 * names no image, only a place in the layout.
 */
export function nameAnnotations(name: Reference, written?: string): Record<string, string> {
  const whole = formatReference(name);
  if (written !== undefined && !isImageName(written)) return { [REF_NAME]: written };
  return { [IMAGE_NAME]: whole, [REF_NAME]: written ?? whole };
}

/** Whether a `ref.name` says which image it is; one without a slash and a colon is only a tag. */
export function isImageName(text: string): boolean {
  return /[/:]/.test(text);
}

/** The name that an index entry bears; a `ref.name` that is only a tag says nothing about the repository. */
export function nameOf({ annotations = {} }: Descriptor): Reference | undefined {
  const text = annotations[IMAGE_NAME] ?? annotations[REF_NAME];
  if (typeof text !== 'string' || !isImageName(text)) return undefined;
  try {
    return parseReference(text);
  } catch (error) {
    if (isAirferryError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

/** The entry under another name. A `ref.name` that was only a tag stays one, as Docker writes it. */
export function renamedEntry(entry: RawEntry, name: Reference): RawEntry {
  const before = isObject(entry.annotations) ? entry.annotations : {};
  const tag = before[IMAGE_NAME] !== undefined && !isImageName(String(before[REF_NAME] ?? ':'));
  const names = nameAnnotations(name);
  if (tag && name.tag) names[REF_NAME] = name.tag;
  return { ...entry, annotations: { ...before, ...names } };
}

/** The entry without a name; its other annotations stay. */
export function unnamedEntry(entry: RawEntry): RawEntry {
  const { annotations, ...rest } = entry;
  const { [IMAGE_NAME]: _name, [REF_NAME]: _ref, ...others } = annotations ?? {};
  return { ...rest, ...(Object.keys(others).length > 0 && { annotations: others }) } as RawEntry;
}

/** Add entries; one with a name takes that name from whichever entry had it, one without replaces its like. */
export function withEntries(index: RawIndex, added: readonly RawEntry[]): RawIndex {
  const keys = new Set(added.map(keyOf));
  const digests = new Set(added.map(({ digest }) => digest));
  const kept = index.manifests.filter(entry => {
    if (keys.has(keyOf(entry))) return false;
    // Content that gets a name needs no entry without one.
    return hasName(entry) || !digests.has(entry.digest);
  });
  return { ...index, manifests: [...kept, ...added] };
}

function hasName({ annotations }: RawEntry): boolean {
  return annotations?.[IMAGE_NAME] !== undefined || annotations?.[REF_NAME] !== undefined;
}

/** What an entry is found by: its name, its tag, or its digest. */
function keyOf(entry: RawEntry): string {
  const name = nameOf(entry);
  if (name) return formatReference(name);
  return `ref ${entry.annotations?.[REF_NAME] ?? entry.digest}`;
}
