/** The documents by which other tools read a bundle: `index.json` for OCI tools, `manifest.json` for `docker load`. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { buildIndex, type ImageManifest, parseManifest } from '../content/manifest.ts';
import type { Platform } from '../content/platform.ts';
import { familiarName, formatReference, type Reference } from '../content/reference.ts';
import { blobPath } from '../transports/oci/file-store.ts';
import type { Document } from '../transports/source.ts';

export const OCI_LAYOUT: Uint8Array = Buffer.from('{"imageLayoutVersion":"1.0.0"}');

/** A manifest or index at the top of the bundle, under one name or none. */
export interface TopEntry {
  document: Document;
  name?: Reference;
  /** Of an image; an index has several. */
  platform?: Platform;
}

/** `index.json`: one entry for each name. containerd and Docker read the first annotation, skopeo and podman the second. */
export function indexJson(entries: TopEntry[]): Uint8Array {
  return buildIndex(
    entries.map(({ document, name, platform }) => {
      const { mediaType, digest, size } = document.descriptor;
      const entry: Descriptor = { mediaType, digest, size };
      if (platform) entry.platform = platform;
      if (name) {
        const text = formatReference(name);
        entry.annotations = { 'io.containerd.image.name': text, 'org.opencontainers.image.ref.name': text };
      }
      return entry;
    }),
  );
}

/**
 * `manifest.json`: one item for each image, with all its tags; files are blobs. An index stands for its first image,
 * since `docker load` knows one platform. `documents` has every manifest of the bundle.
 */
export function manifestJson(entries: TopEntry[], documents: Map<Digest, Document>): Uint8Array {
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
  documents: Map<Digest, Document>,
): { digest: Digest; manifest: ImageManifest } | undefined {
  const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
  if (manifest.kind === 'image') return { digest: document.descriptor.digest, manifest };
  for (const child of manifest.manifests) {
    const held = documents.get(child.digest);
    const found = held && firstImage(held, documents);
    if (found) return found;
  }
  return undefined;
}
