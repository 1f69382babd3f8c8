/** Who needs which blob of a bundle: every reference followed from the manifest down to layers and files. */
import { artifactTypeOf } from '../content/artifact.ts';
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, shortDigest } from '../content/digest.ts';
import { type ImageManifest, parseImageConfig, parseManifest } from '../content/manifest.ts';
import { familiarName, parseReference } from '../content/reference.ts';
import { describeReferrer } from '../content/referrer.ts';
import { isAirferryError } from '../errors.ts';
import type { Bundle } from './open.ts';
import type { BundleProblem } from './problem.ts';

export interface Uses {
  /** What needs a blob, in the operator's words. */
  of(digest: Digest): string[];
  /** References that were followed. */
  references: number;
  /** References that lead nowhere, or to something else than they say. */
  problems: BundleProblem[];
}

/** Follow every reference of a bundle. Documents that are damaged end the path there; hashing reports them. */
export function usesOfBlobs(bundle: Bundle): Uses {
  const { manifest } = bundle;
  const tree = new Tree(bundle);
  for (const { platform, digest, size } of manifest.engine?.archives ?? []) {
    tree.refer({ digest, size }, `engine ${manifest.engine?.version} for ${platform}`);
  }
  for (const { platform, digest, size } of manifest.compose?.binaries ?? []) {
    tree.refer({ digest, size }, `compose ${manifest.compose?.version} for ${platform}`);
  }
  for (const [name, unit] of Object.entries(manifest.units)) tree.refer(unit, `unit ${name}`);
  for (const { path, digest, size, platform } of manifest.files)
    tree.refer({ digest, size }, `file ${path}${platform === undefined ? '' : ` for ${platform}`}`);
  for (const { name, ...descriptor } of manifest.images) {
    tree.image(
      { ...descriptor, platform: undefined },
      name ? familiarName(parseReference(name)) : shortDigest(descriptor.digest),
      0,
    );
  }
  const of = (digest: Digest): string[] => [...(tree.users.get(digest) ?? [])];
  return { of, references: tree.references, problems: tree.problems };
}

class Tree {
  readonly users = new Map<Digest, Set<string>>();
  readonly problems: BundleProblem[] = [];
  references = 0;
  readonly #bundle: Bundle;
  readonly #sizes: Map<Digest, number>;

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
    this.#sizes = new Map(bundle.manifest.blobs.map(({ digest, size }) => [digest, size]));
  }

  /** Note a reference; false when it leads nowhere. */
  refer({ digest, size }: Pick<Descriptor, 'digest' | 'size'>, user: string): boolean {
    this.references++;
    const users = this.users.get(digest) ?? new Set();
    this.users.set(digest, users.add(user));
    const actual = this.#sizes.get(digest);
    if (actual === size) return true;
    const found =
      actual === undefined ? 'which the bundle does not list' : `as ${size} bytes, but it has ${actual}`;
    this.problems.push({
      kind: 'dangling',
      message: `${user} needs ${digest}, ${found}`,
      blob: digest,
      usedBy: [user],
    });
    return false;
  }

  image(descriptor: Descriptor, name: string, depth: number): void {
    if (!this.refer(descriptor, `manifest of ${name}`)) return;
    const bytes = this.#read(descriptor);
    if (!bytes) return;
    const parsed = this.#parsed(descriptor, name, () => parseManifest(bytes, descriptor.mediaType));
    if (!parsed) return;
    if (parsed.kind === 'image') {
      if (artifactTypeOf(parsed)) this.#artifact(parsed, descriptor, bytes, name);
      else this.#layers(parsed, name);
      return;
    }
    for (const child of parsed.manifests) {
      // An index may name platforms that were left out; only what the bundle lists is promised.
      if (depth < 4 && this.#sizes.has(child.digest)) this.image(child, name, depth + 1);
    }
  }

  /** A signature, an SBOM, an attestation: its config is of any kind, and its layers are no layers of an image. */
  #artifact(manifest: ImageManifest, { mediaType }: Descriptor, bytes: Uint8Array, name: string): void {
    const { title } = describeReferrer(bytes, mediaType);
    this.refer(manifest.config, `config of ${name} (${title})`);
    manifest.layers.forEach((layer, i) => void this.refer(layer, `part ${i + 1} of ${name} (${title})`));
  }

  #layers(manifest: ImageManifest, name: string): void {
    const known = this.refer(manifest.config, `config of ${name}`);
    const config = known ? this.#read(manifest.config) : undefined;
    manifest.layers.forEach((layer, i) => void this.refer(layer, `layer ${i + 1} of ${name}`));
    if (!config) return;
    const parsed = this.#parsed(manifest.config, name, () => parseImageConfig(config));
    if (parsed && parsed.diffIds.length !== manifest.layers.length) {
      const message = `the config of ${name} counts ${parsed.diffIds.length} layers, its manifest ${manifest.layers.length}`;
      this.problems.push({ kind: 'dangling', message, blob: manifest.config.digest, usedBy: [name] });
    }
  }

  /** A document that is whole and yet not what it should be was packed so. */
  #parsed<T>({ digest }: Descriptor, name: string, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!isAirferryError(error, 'MANIFEST_INVALID')) throw error;
      this.problems.push({
        kind: 'dangling',
        message: `${name}: ${error.message}`,
        blob: digest,
        usedBy: [name],
      });
      return undefined;
    }
  }

  #read(descriptor: Descriptor): Uint8Array | undefined {
    try {
      return this.#bundle.document(descriptor);
    } catch (error) {
      if (isAirferryError(error, 'DIGEST_MISMATCH', 'ARCHIVE_INVALID', 'MANIFEST_INVALID')) return undefined;
      throw error;
    }
  }
}
