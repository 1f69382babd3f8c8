/** What the far side has, by the bundles that it got and the receipts that it sent: a new bundle leaves that out. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Delta, type DeltaBase, describeBase } from '../../content/delta.ts';
import type { Descriptor } from '../../content/descriptor.ts';
import { type Digest, digestOf } from '../../content/digest.ts';
import { openStore } from '../../transports/oci/open-store.ts';
import { ociSource } from '../../transports/oci/source.ts';
import type { ContentStore } from '../../transports/oci/store.ts';
import { Bundle, isBundle } from '../open.ts';
import { readReceipt } from './receipt.ts';

/**
 * Smaller blobs always travel: units, small files. So all that is read before anything is installed is in the bundle itself.
 * Bytes.
 */
export const LEAST_LEFT_OUT = 64 * 1024;

interface Known {
  base: DeltaBase;
  blobs: ReadonlyMap<Digest, number | undefined>;
  layers: ReadonlySet<Digest>;
}

export class FarSide {
  readonly #known: readonly Known[];
  readonly #absent = new Map<Digest, number[]>();
  readonly #sizes = new Map<Digest, number>();

  private constructor(known: readonly Known[]) {
    this.#known = known;
  }

  /**
   * Take stock of bases (bundles, OCI archives, layouts) and receipts; undefined where none are named. Throws what opening them
   * throws, RECEIPT_INVALID.
   */
  static async of(bases: readonly string[], receipts: readonly string[]): Promise<FarSide | undefined> {
    if (bases.length + receipts.length === 0) return undefined;
    const known: Known[] = [];
    for (const path of bases)
      known.push(isFolder(path) || !isBundle(path) ? await fromLayout(path) : fromBundle(path));
    return new FarSide([...known, ...receipts.map(fromReceipt)]);
  }

  /** Whether a blob is to be left out; it is then noted. */
  leaveOut({ digest, size }: Descriptor, chains: readonly Digest[] = []): boolean {
    if (size < LEAST_LEFT_OUT) return false;
    const bases = this.#known.flatMap(({ blobs, layers }, i) => {
      const there = blobs.has(digest) && (blobs.get(digest) ?? size) === size;
      return there || (chains.length > 0 && chains.every(chain => layers.has(chain))) ? [i] : [];
    });
    if (bases.length === 0) return false;
    this.#absent.set(digest, bases);
    this.#sizes.set(digest, size);
    return true;
  }

  /** For the manifest; undefined where nothing was left out. */
  get delta(): Delta | undefined {
    if (this.#absent.size === 0) return undefined;
    return {
      bases: this.#known.map(({ base }) => base),
      absent: [...this.#absent].map(([digest, bases]) => ({ digest, bases })),
    };
  }

  /** How much was left out, and who has it. */
  get summary(): { blobs: number; bytes: number; bases: string[] } {
    return {
      blobs: this.#absent.size,
      bytes: [...this.#sizes.values()].reduce((sum, size) => sum + size, 0),
      bases: this.#known.map(({ base }) => describeBase(base)),
    };
  }
}

function fromBundle(path: string): Known {
  const bundle = Bundle.open(path);
  try {
    const { manifest, digest, leftOut } = bundle;
    const gone = new Set(leftOut.map(blob => blob.digest));
    const blobs = manifest.blobs.filter(blob => !gone.has(blob.digest));
    return {
      base: { kind: 'bundle', name: `${manifest.name} ${manifest.version}`, digest },
      blobs: new Map(blobs.map(blob => [blob.digest, blob.size])),
      layers: new Set(),
    };
  } finally {
    bundle.close();
  }
}

async function fromLayout(path: string): Promise<Known> {
  const store = openStore(path);
  try {
    return {
      base: { kind: 'layout', name: basename(path).slice(0, 300), digest: digestOf(store.index()) },
      blobs: await layersOf(store, path),
      layers: new Set(),
    };
  } finally {
    store.close();
  }
}

/** The layers of a layout's images that are there with the size that they should have. */
async function layersOf(store: ContentStore, path: string): Promise<Map<Digest, number>> {
  const blobs = new Map<Digest, number>();
  for await (const { descriptor } of ociSource(store, path).layers())
    if (descriptor && store.size(descriptor.digest) === descriptor.size)
      blobs.set(descriptor.digest, descriptor.size);
  return blobs;
}

function fromReceipt(path: string): Known {
  const { digest, places, blobs, layers } = readReceipt(path);
  return { base: { kind: 'receipt', name: places.join(', ').slice(0, 300), digest }, blobs, layers };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
