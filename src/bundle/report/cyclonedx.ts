/**
 * A bundle as a software bill of materials in CycloneDX 1.6: the engine with its binaries, compose, images, files. The same
 * bundle gives the same document: serial number and time come from its content. https://cyclonedx.org/docs/1.6/json/
 */
import type { Digest } from '../../content/digest.ts';
import { hexOf } from '../../content/digest.ts';
import { parseReference } from '../../content/reference.ts';
import type { BundleInspection, InspectedImage, InspectedReferrer } from '../inspect.ts';
import { visible } from './html.ts';

/** A binary of an engine archive, hashed as it comes out of it. */
export interface EngineBinary {
  name: string;
  /** Bytes. */
  size: number;
  digest: Digest;
}

interface Hash {
  alg: 'SHA-256' | 'SHA-512';
  content: string;
}

interface Property {
  name: string;
  value: string;
}

interface ExternalReference {
  type: 'bom' | 'attestation' | 'digital-signature' | 'other';
  url: string;
  comment: string;
  hashes: Hash[];
}

interface Component {
  type: 'application' | 'container' | 'file' | 'data';
  'bom-ref': string;
  name: string;
  version?: string;
  description?: string;
  hashes?: Hash[];
  purl?: string;
  externalReferences?: ExternalReference[];
  components?: Component[];
  properties?: Property[];
}

export interface CycloneDx {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json';
  bomFormat: 'CycloneDX';
  specVersion: '1.6';
  serialNumber: string;
  version: 1;
  metadata: {
    timestamp?: string;
    tools: { components: { type: 'application'; name: 'airferry'; version: string }[] };
    component: Component;
  };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** Describe a bundle; `binaries` are those of each engine archive, by its digest. Pure. */
export function cyclonedx(
  bundle: BundleInspection,
  binaries: ReadonlyMap<Digest, readonly EngineBinary[]>,
  airferry: string,
): CycloneDx {
  const root: Component = {
    type: 'data',
    'bom-ref': `bundle:${bundle.digest}`,
    name: bundle.name,
    version: bundle.version,
    description: 'A bundle of airferry',
    hashes: [hashOf(bundle.digest)],
    properties: [
      property('format', bundle.schemaVersion),
      ...bundle.platforms.map(platform => property('platform', platform)),
      ...bundle.signatures.map(keyId => property('signedBy', keyId)),
    ],
  };
  const components = distinct([
    ...engineComponents(bundle, binaries),
    ...composeComponents(bundle),
    ...bundle.units.map(({ name, digest, size }) => file(`unit:${name}`, name, digest, size)),
    ...bundle.images.map(imageComponent),
    ...bundle.artifacts.map(artifactComponent),
    ...bundle.files.map(({ path, mode, digest, size, platform }) => ({
      ...file(
        platform === undefined ? `file:${path}` : `file:${path}:${platform}`,
        path,
        digest,
        size,
        property('mode', mode),
        ...(platform === undefined ? [] : [property('platform', platform)]),
      ),
    })),
  ]);
  const timestamp = newest(bundle.images);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialNumber(bundle.digest),
    version: 1,
    metadata: {
      ...(timestamp && { timestamp }),
      tools: { components: [{ type: 'application', name: 'airferry', version: airferry }] },
      component: root,
    },
    components,
    dependencies: [{ ref: root['bom-ref'], dependsOn: components.map(component => component['bom-ref']) }],
  };
}

function engineComponents(
  { engine }: BundleInspection,
  binaries: ReadonlyMap<Digest, readonly EngineBinary[]>,
): Component[] {
  return (engine?.archives ?? []).map(({ platform, digest, size }) => ({
    type: 'application',
    'bom-ref': `engine:${platform}`,
    name: 'docker',
    version: engine?.version ?? '',
    description: `Docker engine for ${platform}`,
    hashes: [hashOf(digest)],
    properties: [property('platform', platform), property('size', String(size))],
    components: (binaries.get(digest) ?? []).map(binary => ({
      type: 'application',
      'bom-ref': `engine:${platform}:${binary.name}`,
      name: binary.name,
      // Others in the archive, as containerd and runc, have versions of their own, which it does not tell.
      ...(OWN_BINARIES.has(binary.name) ? { version: engine?.version ?? '' } : {}),
      hashes: [hashOf(binary.digest)],
      properties: [property('size', String(binary.size))],
    })),
  }));
}

/** Binaries that are built with the engine and have its version. */
const OWN_BINARIES = new Set(['docker', 'dockerd', 'docker-proxy']);

function composeComponents({ compose }: BundleInspection): Component[] {
  return (compose?.binaries ?? []).map(({ platform, digest, size }) => ({
    type: 'application',
    'bom-ref': `compose:${platform}`,
    name: 'docker-compose',
    version: compose?.version ?? '',
    description: `Docker Compose for ${platform}`,
    hashes: [hashOf(digest)],
    properties: [property('platform', platform), property('size', String(size))],
  }));
}

function imageComponent(image: InspectedImage): Component {
  const { names, digest, id, platform, size, layers, referrers } = image;
  const [first] = names;
  const named = first === undefined ? undefined : parseReference(first);
  return {
    type: 'container',
    'bom-ref': `image:${digest}`,
    name: named ? `${named.registry}/${named.repository}` : digest,
    version: named?.tag ?? digest,
    hashes: [hashOf(digest)],
    ...(first !== undefined && { purl: purlOf(first, digest, platform) }),
    ...(referrers.length > 0 && { externalReferences: referrers.flatMap(referenceTo) }),
    properties: [
      ...names.map(name => property('name', name)),
      property('imageId', id),
      property('platform', platform),
      property('size', String(size)),
      ...layers.map(layer => property('layer', layer.digest)),
    ],
  };
}

function artifactComponent({
  names,
  digest,
  title,
  artifactType,
  size,
}: BundleInspection['artifacts'][number]): Component {
  return {
    type: 'data',
    'bom-ref': `artifact:${digest}`,
    name: names[0] ?? digest,
    description: visible(title),
    hashes: [hashOf(digest)],
    properties: [
      ...(artifactType ? [property('artifactType', artifactType)] : []),
      property('size', String(size)),
    ],
  };
}

const REFERENCE_TYPES = {
  sbom: 'bom',
  attestation: 'attestation',
  signature: 'digital-signature',
  artifact: 'other',
} as const;

/** What is about an image lies beside it in the bundle. */
function referenceTo({ kind, title, digest, referrers }: InspectedReferrer): ExternalReference[] {
  const url = `blobs/${digest.replace(':', '/')}`;
  return [
    { type: REFERENCE_TYPES[kind], url, comment: visible(title), hashes: [hashOf(digest)] },
    ...referrers.flatMap(referenceTo),
  ];
}

function file(ref: string, name: string, digest: Digest, size: number, ...more: Property[]): Component {
  return {
    type: 'file',
    'bom-ref': ref,
    name,
    hashes: [hashOf(digest)],
    properties: [property('size', String(size)), ...more],
  };
}

/** Package URL of type oci: the last part of the name, the digest as version, where it lies and which tag as qualifiers. */
export function purlOf(name: string, digest: Digest, platform: string): string {
  const { registry, repository, tag } = parseReference(name);
  const last = repository.slice(repository.lastIndexOf('/') + 1);
  const arch = platform.split('/').slice(1).join('/');
  const qualifiers = [
    `arch=${encodeURIComponent(arch)}`,
    `repository_url=${encodeURIComponent(`${registry}/${repository}`).replaceAll('%2F', '/')}`,
    ...(tag ? [`tag=${encodeURIComponent(tag)}`] : []),
  ];
  return `pkg:oci/${encodeURIComponent(last)}@${encodeURIComponent(digest)}?${qualifiers.join('&')}`;
}

/** A UUID of version 8 (RFC 9562) out of the digest, so that it is the bundle's and nobody else's. */
function serialNumber(digest: Digest): string {
  const hex = hexOf(digest);
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}

/** When the newest image was built; the bundle itself has no clock. */
function newest(images: readonly InspectedImage[]): string | undefined {
  const times = images.map(({ created }) => Date.parse(created ?? '')).filter(time => Number.isFinite(time));
  return times.length === 0 ? undefined : new Date(Math.max(...times)).toISOString();
}

/** `bom-ref`s must be unique; what has the same is the same. */
function distinct(components: Component[]): Component[] {
  return [...new Map(components.map(component => [component['bom-ref'], component])).values()];
}

function hashOf(digest: Digest): Hash {
  return { alg: digest.startsWith('sha512:') ? 'SHA-512' : 'SHA-256', content: hexOf(digest) };
}

function property(name: string, value: string): Property {
  return { name: `airferry:${name}`, value };
}
