/** The blobs of a bundle, and those that it leaves out, in the bases that are at hand. */
import { type Delta, deltaSchema } from '../../content/delta.ts';
import { isDigest } from '../../content/digest.ts';
import type { ReadableFile } from '../../support/file.ts';
import { isObject } from '../../support/is-object.ts';
import { parseJson } from '../../support/json.ts';
import { LayeredStore } from './layered-store.ts';
import { openStores } from './open-store.ts';
import type { ContentStore } from './store.ts';

/** Where the rest of a bundle is. */
export interface BundleFrom {
  /** Folders in which parts may lie, beside the one of the path. */
  parts?: readonly string[] | undefined;
  /** Bundles, archives and layouts with blobs that it leaves out. Their parts are looked for in the same folders. */
  bases?: readonly string[] | undefined;
}

/** What the entry of a bundle's head is called. */
export const HEAD_NAME = 'airferry.json';

/** Bytes of a manifest, as `bundle/manifest.ts` has it. */
const MANIFEST_LIMIT = 32 * 1024 * 1024;

/** The head is the first entry, so the first bytes tell a bundle from anything else. */
export function beginsAsBundle(file: ReadableFile): boolean {
  return Buffer.from(file.readAt(0, HEAD_NAME.length + 1)).toString('latin1') === `${HEAD_NAME}\0`;
}

/** The store of a bundle over its bases; `own` is closed with it. Throws what opening a base throws. */
export function layered(
  own: ContentStore,
  delta: Delta | undefined,
  { bases = [], parts }: BundleFrom,
): ContentStore {
  if (!delta && bases.length === 0) return own;
  return new LayeredStore(own, openStores(bases, parts), delta);
}

/**
 * What a bundle leaves out, by its head, without a look at anything else of its manifest. Undefined also where that cannot be
 * read: whoever needs to know why opens the bundle as one.
 */
export function deltaOf(own: ContentStore, head: Uint8Array): Delta | undefined {
  const manifest = field(parse(head), 'manifest');
  const [digest, size, mediaType] = ['digest', 'size', 'mediaType'].map(key => field(manifest, key));
  if (!isDigest(digest) || typeof size !== 'number' || size > MANIFEST_LIMIT || !own.has(digest))
    return undefined;
  const document = own.document({ mediaType: String(mediaType), digest, size }, MANIFEST_LIMIT);
  // Large, and in most bundles without it.
  if (!Buffer.from(document.bytes.buffer, document.bytes.byteOffset, size).includes('"delta"'))
    return undefined;
  return deltaSchema.safeParse(field(parse(document.bytes), 'delta')).data;
}

function field(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}
