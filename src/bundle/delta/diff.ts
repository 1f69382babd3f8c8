/** What is different between two bundles, by their manifests alone. */
import type { Digest } from '../../content/digest.ts';
import { familiarName, parseReference } from '../../content/reference.ts';
import type { BundleManifest } from '../manifest.ts';
import type { Bundle } from '../open.ts';

/** One thing that both bundles could have: an image, a file, an engine. */
export interface BundleChange {
  what: 'image' | 'engine' | 'compose' | 'unit' | 'file' | 'daemon';
  /** `nginx:1.25`, `/etc/motd`, `linux/amd64`. */
  name: string;
  change: 'added' | 'removed' | 'changed';
  /** What it was and is: digests, versions of an engine, both where it changed. */
  from?: string;
  to?: string;
}

/** Blobs, each once, and their bytes as stored. */
export interface BlobCount {
  blobs: number;
  bytes: number;
}

export interface BundleDiff {
  from: { path: string; name: string; version: string; digest: Digest };
  to: { path: string; name: string; version: string; digest: Digest };
  /** Whether the two say the same, byte for byte. */
  same: boolean;
  changes: BundleChange[];
  /** Only in the second bundle: what `bundle create --base FIRST` would carry. */
  added: BlobCount;
  /** Only in the first. */
  removed: BlobCount;
  /** In both. */
  common: BlobCount;
}

/** Compare two bundles. No blob is read. */
export function diffBundles(from: Bundle, to: Bundle): BundleDiff {
  const [before, after] = [from, to].map(
    ({ manifest }) => new Map(manifest.blobs.map(({ digest, size }) => [digest, size])),
  );
  const count = (of = new Map<Digest, number>(), wanted: (digest: Digest) => boolean): BlobCount => {
    const sizes = [...of].filter(([digest]) => wanted(digest)).map(([, size]) => size);
    return { blobs: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  };
  return {
    from: identity(from),
    to: identity(to),
    same: from.digest === to.digest,
    changes: changesOf(from.manifest, to.manifest),
    added: count(after, digest => !before?.has(digest)),
    removed: count(before, digest => !after?.has(digest)),
    common: count(after, digest => before?.has(digest) ?? false),
  };
}

function identity({ path, manifest, digest }: Bundle): BundleDiff['from'] {
  return { path, name: manifest.name, version: manifest.version, digest };
}

function changesOf(a: BundleManifest, b: BundleManifest): BundleChange[] {
  const kinds: [BundleChange['what'], (manifest: BundleManifest) => Map<string, string>][] = [
    ['engine', ({ engine }) => versions(engine?.version, engine?.archives)],
    ['compose', ({ compose }) => versions(compose?.version, compose?.binaries)],
    [
      'daemon',
      ({ daemon }) => new Map(Object.entries(daemon).map(([key, value]) => [key, JSON.stringify(value)])),
    ],
    ['unit', ({ units }) => new Map(Object.entries(units).map(([name, { digest }]) => [name, digest]))],
    ['image', ({ images }) => imagesOf(images)],
    ['file', ({ files }) => new Map(files.map(({ path, mode, digest }) => [path, `${mode} ${digest}`]))],
  ];
  return kinds.flatMap(([what, of]) => compare(of(a), of(b)).map(change => ({ what, ...change })));
}

function compare(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): Omit<BundleChange, 'what'>[] {
  const names = [...new Set([...a.keys(), ...b.keys()])].sort();
  return names.flatMap((name): Omit<BundleChange, 'what'>[] => {
    const [from, to] = [a.get(name), b.get(name)];
    if (from === to) return [];
    if (from === undefined) return [{ name, change: 'added', to: to ?? '' }];
    return to === undefined ? [{ name, change: 'removed', from }] : [{ name, change: 'changed', from, to }];
  });
}

function versions(
  version = '',
  binaries: readonly { platform: string; digest: Digest }[] = [],
): Map<string, string> {
  return new Map(binaries.map(({ platform, digest }) => [platform, `${version} ${digest}`]));
}

/** By familiar name; content without one by its digest. */
function imagesOf(images: BundleManifest['images']): Map<string, string> {
  return new Map(
    images.map(({ name, digest }) => [name ? familiarName(parseReference(name)) : digest, digest]),
  );
}
