/** The documents by which tools read an archive: `index.json` for OCI tools, `manifest.json` for `docker load`. */
import { artifactTypeOf } from '../../content/artifact.ts';
import type { Descriptor } from '../../content/descriptor.ts';
import type { Digest } from '../../content/digest.ts';
import { buildIndex, type ImageManifest, parseManifest } from '../../content/manifest.ts';
import type { Platform } from '../../content/platform.ts';
import { familiarName, type Reference } from '../../content/reference.ts';
import { blobPath } from '../oci/file-store.ts';
import { nameAnnotations } from '../oci/index-json.ts';
import type { Document } from '../source.ts';

export const OCI_LAYOUT: Uint8Array = Buffer.from('{"imageLayoutVersion":"1.0.0"}');

/** A manifest or index at the top of an archive, under one name or none. */
export interface TopEntry {
  document: Document;
  name?: Reference;
  /** How the operator wrote the name, where `oci-archive:file:NAME` gave it: what skopeo will ask for. */
  written?: string;
  /** Of an image; an index has several. */
  platform?: Platform;
}

/** `index.json`: one entry for each name. */
export function indexJson(entries: readonly TopEntry[]): Uint8Array {
  return buildIndex(
    entries.map(({ document, name, written, platform }) => {
      const { mediaType, digest, size } = document.descriptor;
      const entry: Descriptor = { mediaType, digest, size };
      if (platform) entry.platform = platform;
      if (name) entry.annotations = nameAnnotations(name, written);
      return entry;
    }),
  );
}

/**
 * `manifest.json`: one item for each image, with all its tags; files are blobs. An index stands for its first image,
 * since `docker load` knows one platform; attestations, signatures and other artifacts are left out, since it would
 * fail at them. `documents` has every manifest of the archive.
 */
export function manifestJson(
  entries: readonly TopEntry[],
  documents: ReadonlyMap<Digest, Document>,
): Uint8Array {
  const items = new Map<Digest, { Config: string; RepoTags: string[]; Layers: string[] }>();
  for (const { document, name } of entries) {
    const found = firstImage(document, documents);
    if (!found) continue;
    const item = items.get(found.digest) ?? {
      Config: blobPath(found.manifest.config.digest),
      RepoTags: [],
      Layers: found.manifest.layers.map(layer => blobPath(layer.digest)),
    };
    if (name?.tag) item.RepoTags.push(familiarName({ ...name, digest: undefined }));
    items.set(found.digest, item);
  }
  return Buffer.from(JSON.stringify([...items.values()]));
}

function firstImage(
  document: Document,
  documents: ReadonlyMap<Digest, Document>,
): { digest: Digest; manifest: ImageManifest } | undefined {
  const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
  if (manifest.kind === 'image')
    return artifactTypeOf(manifest) ? undefined : { digest: document.descriptor.digest, manifest };
  for (const child of manifest.manifests) {
    const held = documents.get(child.digest);
    const found = held && firstImage(held, documents);
    if (found) return found;
  }
  return undefined;
}
