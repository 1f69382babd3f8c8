/** A bundle of 100 GB that takes up a few megabytes of disk: all documents are real, all layers are holes. */
import { open } from 'node:fs/promises';
import {
  FORMAT,
  formatBundleManifest,
  formatHead,
  HEAD_SIZE,
  MANIFEST_TYPE,
} from '../../src/bundle/manifest.ts';
import type { Descriptor } from '../../src/content/descriptor.ts';
import { digestOf } from '../../src/content/digest.ts';
import { buildImageManifest, buildIndex } from '../../src/content/manifest.ts';
import { OCI_CONFIG, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { BLOCK, headerSize, paddedSize } from '../../src/tar/header.ts';
import { END_OF_ARCHIVE, fileHeader } from '../../src/tar/write.ts';
import { HEAD_NAME } from '../../src/transports/oci/bundle-store.ts';
import { blobPath } from '../../src/transports/oci/file-store.ts';

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface SparseBundle {
  images: number;
  /** Layers of each image. */
  layers: number;
  /** Bytes of each layer. */
  layerSize: number;
}

/** Write it; gives back its bytes and its blobs. */
export async function writeSparseBundle(
  path: string,
  { images, layers, layerSize }: SparseBundle,
): Promise<{ size: number; blobs: number }> {
  const file = await open(path, 'w');
  try {
    let at = BLOCK + HEAD_SIZE;
    const blobs: Descriptor[] = [];
    const put = async (name: string, size: number, bytes?: Uint8Array): Promise<void> => {
      const header = await fileHeader(name, size);
      await file.write(header, 0, header.length, at);
      if (bytes) await file.write(bytes, 0, size, at + header.length);
      at += headerSize(name) + paddedSize(size);
    };
    const blob = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
      const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
      await put(blobPath(descriptor.digest), bytes.length, bytes);
      blobs.push(descriptor);
      return descriptor;
    };
    const tops: (Descriptor & { name: string })[] = [];
    for (let i = 0; i < images; i++) {
      const stack: Descriptor[] = [];
      for (let n = 0; n < layers; n++) {
        const descriptor = { mediaType: LAYER, digest: digestOf(`layer ${i} ${n}`), size: layerSize };
        await put(blobPath(descriptor.digest), layerSize);
        stack.push(descriptor);
      }
      blobs.push(...stack);
      const rootfs = { type: 'layers', diff_ids: stack.map(({ digest }) => digestOf(`plain ${digest}`)) };
      const text = JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs });
      const config = await blob(OCI_CONFIG, Buffer.from(text));
      const manifest = await blob(OCI_MANIFEST, buildImageManifest(config, stack));
      tops.push({ ...manifest, name: `docker.io/site/app-${i}:1.0` });
    }
    const entries = tops.map(({ name, ...descriptor }) => ({
      ...descriptor,
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
    }));
    const documents = {
      'oci-layout': Buffer.from('{"imageLayoutVersion":"1.0.0"}'),
      'index.json': Buffer.from(buildIndex(entries)),
      'manifest.json': Buffer.from('[]'),
    };
    for (const [name, bytes] of Object.entries(documents)) await put(name, bytes.length, bytes);
    const described = Object.entries(documents).map(
      ([name, bytes]) => [name, { digest: digestOf(bytes), size: bytes.length }] as const,
    );
    const [name, version] = ['sparse', '1'];
    const manifest = formatBundleManifest({
      ...FORMAT,
      mediaType: MANIFEST_TYPE,
      name,
      version,
      platforms: ['linux/amd64'],
      units: {},
      daemon: {},
      files: [],
      images: tops.map(({ name, mediaType, digest, size }) => ({
        name,
        mediaType,
        digest,
        size,
        platform: 'linux/amd64',
      })),
      blobs: blobs.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      documents: Object.fromEntries(described) as Record<
        keyof typeof documents,
        { digest: `sha256:${string}`; size: number }
      >,
    });
    const descriptor = {
      mediaType: MANIFEST_TYPE,
      digest: digestOf(manifest),
      size: manifest.length,
    } as const;
    await put(blobPath(descriptor.digest), manifest.length, manifest);
    await file.write(END_OF_ARCHIVE, 0, END_OF_ARCHIVE.length, at);
    await file.write(await fileHeader(HEAD_NAME, HEAD_SIZE), 0, BLOCK, 0);
    await file.write(formatHead({ ...FORMAT, name, version, manifest: descriptor }), 0, HEAD_SIZE, BLOCK);
    return { size: at + END_OF_ARCHIVE.length, blobs: blobs.length + 1 };
  } finally {
    await file.close();
  }
}
