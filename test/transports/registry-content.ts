/** What the tests of registries as sources share: registries that hold layouts, and things that are about images. */
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { isIndexType, isManifestType, OCI_CONFIG, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { Meter } from '../../src/support/meter.ts';
import { type CopyOptions, type CopyReport, copyImages } from '../../src/transports/copy.ts';
import { type RegistrySourceOptions, registrySource } from '../../src/transports/registry-source.ts';
import { clientFor } from '../registry/rig.ts';
import type { Files } from '../support/archives.ts';
import type { FakeRegistry } from '../support/fake-registry.ts';
import { toPlant } from './copying.ts';
import { StrictTarget } from './strict-target.ts';

/** Put a layout's content into a repository: what its index.json names gets the tag, its children go by digest. */
export function hold(registry: FakeRegistry, repository: string, files: Files, tag?: string): void {
  const blobs = registry.blobs.get(repository) ?? new Map();
  const manifests = registry.manifests.get(repository) ?? new Map();
  registry.blobs.set(repository, blobs);
  registry.manifests.set(repository, manifests);
  for (const [path, content] of files) {
    const hex = /^blobs\/sha256\/(.*)$/.exec(path)?.[1];
    if (hex === undefined) continue;
    const bytes = Buffer.from(content);
    const mediaType = mediaTypeOf(bytes);
    if (mediaType) manifests.set(`sha256:${hex}`, { mediaType, bytes });
    else blobs.set(`sha256:${hex}`, bytes);
  }
  const { manifests: top } = JSON.parse(String(files.get('index.json')));
  if (tag !== undefined)
    manifests.set(tag, manifests.get(top[0].digest) as { mediaType: string; bytes: Buffer });
}

function mediaTypeOf(bytes: Buffer): string | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  const { mediaType = '', layers, manifests } = JSON.parse(bytes.toString());
  if (isIndexType(mediaType) || isManifestType(mediaType)) return mediaType;
  return layers || manifests ? OCI_MANIFEST : undefined;
}

export interface Artifact {
  digest: Digest;
  bytes: Buffer;
  blobs: Buffer[];
}

export interface ArtifactOptions {
  subject?: Digest;
  artifactType?: string;
  /** Of the config; `{}` of the empty type when absent. */
  config?: { mediaType: string; bytes: Buffer };
  layerType?: string;
}

/** A manifest over one text that is no layer of an image. */
export function artifactOf(text: string, options: ArtifactOptions = {}): Artifact {
  const layer = Buffer.from(text);
  const config = options.config ?? {
    mediaType: 'application/vnd.oci.empty.v1+json',
    bytes: Buffer.from('{}'),
  };
  const describe = (mediaType: string, bytes: Buffer): object => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      ...(options.artifactType ? { artifactType: options.artifactType } : {}),
      config: describe(config.mediaType, config.bytes),
      layers: [describe(options.layerType ?? 'text/spdx', layer)],
      ...(options.subject ? { subject: { mediaType: OCI_MANIFEST, digest: options.subject, size: 7 } } : {}),
    }),
  );
  return { digest: digestOf(bytes), bytes, blobs: [config.bytes, layer] };
}

/** What cosign attaches: an image's config over a payload that is none. */
export function cosignOf(text: string): Artifact {
  const config = Buffer.from(
    JSON.stringify({ architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: [] } }),
  );
  return artifactOf(text, {
    config: { mediaType: OCI_CONFIG, bytes: config },
    layerType: 'application/vnd.dev.cosign.simplesigning.v1+json',
  });
}

/** Put an artifact into a repository, by its digest and under a tag if there is one. */
export function attach(registry: FakeRegistry, repository: string, artifact: Artifact, tag?: string): void {
  const manifest = { mediaType: OCI_MANIFEST, bytes: artifact.bytes };
  for (const reference of [artifact.digest, ...(tag ? [tag] : [])])
    registry.manifests.get(repository)?.set(reference, manifest);
  for (const blob of artifact.blobs) registry.blobs.get(repository)?.set(digestOf(blob), blob);
}

/** Put an artifact into a layout: without a name, or under one. */
export function enclose(files: Files, artifact: Artifact, name?: string): Files {
  for (const blob of [artifact.bytes, ...artifact.blobs])
    files.set(`blobs/sha256/${digestOf(blob).slice(7)}`, blob);
  const index = JSON.parse(String(files.get('index.json')));
  index.manifests.push({
    mediaType: OCI_MANIFEST,
    digest: artifact.digest,
    size: artifact.bytes.length,
    ...(name ? { annotations: { 'io.containerd.image.name': name } } : {}),
  });
  return files.set('index.json', JSON.stringify(index));
}

/** Copy out of a registry to a place in memory, or another place. */
export async function pull(
  registry: FakeRegistry,
  from: RegistrySourceOptions,
  options: Partial<CopyOptions> = {},
  target = new StrictTarget(),
): Promise<{ report: CopyReport; target: StrictTarget; meter: Meter }> {
  const client = clientFor(registry, { access: 'pull' });
  const meter = new Meter();
  try {
    const source = await registrySource(client, from);
    const defaults = { names: toPlant, unnamed: false, compression: 'gzip' } as const;
    const report = await copyImages(source, target, { ...defaults, ...options, meter });
    return { report, target, meter };
  } finally {
    await client.close();
  }
}
