/** `receipt create`: what the far side has, small enough for a letter; the next bundle leaves that out. */
import { formatReceipt, type Inventory } from '../bundle/delta/receipt.ts';
import { Bundle, isBundle } from '../bundle/open.ts';
import type { Digest } from '../content/digest.ts';
import type { Shell } from '../host/shell.ts';
import { readState } from '../host/state.ts';
import { askStore } from '../phases/engine-store.ts';
import type { Meter } from '../support/meter.ts';
import { writeWhole } from '../support/write-file.ts';
import { formatLocation, type Location } from '../transports/location.ts';
import type { HostResult, HostsOptions } from './host-results.ts';
import { onEveryHost } from './host-run.ts';
import { type Access, openSource } from './image-places.ts';

export interface ReceiptCreateOptions extends Access {
  /** The receipt's file. */
  output: string;
  /** Bundles, archives, layouts, registries, engines. */
  places: readonly Location[];
  /** Hosts: what all of them have. */
  hosts?: HostsOptions;
  meter: Meter;
  signal?: AbortSignal;
}

export interface ReceiptCreated {
  path: string;
  /** Bytes of the file. */
  size: number;
  places: string[];
  /** Blobs by digest, and layers that only engines name. */
  blobs: number;
  layers: number;
  hosts: HostResult[];
  dryRun: false;
}

/**
 * Take stock of places and hosts. A host that could not be asked is in the result, and no receipt is written then: it would say
 * too much. Throws what opening the places throws, FILE_UNWRITABLE, DISK_FULL.
 */
export async function createReceipt(options: ReceiptCreateOptions): Promise<ReceiptCreated> {
  const { output, places, hosts } = options;
  const inventories: Inventory[] = [];
  for (const place of places) inventories.push(await inventoryOf(place, options));
  const asked = hosts ? await askHosts(hosts) : { hosts: [] };
  if (asked.inventory) inventories.push(asked.inventory);
  const result: ReceiptCreated = {
    path: output,
    size: 0,
    places: inventories.map(({ place }) => place),
    blobs: new Set(inventories.flatMap(({ blobs }) => [...blobs.keys()])).size,
    layers: new Set(inventories.flatMap(({ layers }) => [...layers])).size,
    hosts: asked.hosts,
    dryRun: false,
  };
  if (asked.hosts.some(({ outcome }) => outcome === 'failed' || outcome === 'skipped')) return result;
  const bytes = formatReceipt(inventories, new Date());
  await writeWhole(output, bytes);
  return { ...result, size: bytes.length };
}

async function inventoryOf(location: Location, options: ReceiptCreateOptions): Promise<Inventory> {
  const place = formatLocation(location).slice(0, 300);
  const blobs = new Map<Digest, number>();
  if ('path' in location && isBundleFile(location)) {
    const bundle = Bundle.open(location.path, options.from);
    try {
      const gone = new Set(bundle.leftOut.filter(({ atHand }) => !atHand).map(({ digest }) => digest));
      for (const { digest, size } of bundle.manifest.blobs) if (!gone.has(digest)) blobs.set(digest, size);
    } finally {
      bundle.close();
    }
    return { place, blobs, layers: new Set() };
  }
  const { source, close } = await openSource(location, options);
  try {
    for await (const { descriptor, absent } of source.layers()) {
      options.signal?.throwIfAborted();
      if (descriptor && !absent) blobs.set(descriptor.digest, descriptor.size);
    }
    const { images, indexes } = await source.inventory();
    const documents = [
      ...images.flatMap(({ manifest, config }) => [...(manifest ? [manifest] : []), config]),
      ...indexes.map(({ index }) => index),
    ];
    for (const { descriptor } of documents) blobs.set(descriptor.digest, descriptor.size);
  } finally {
    await close();
  }
  return { place, blobs, layers: new Set() };
}

function isBundleFile(location: Location): boolean {
  if (location.transport === 'bundle') return true;
  try {
    return location.transport === 'path' && isBundle(location.path);
  } catch {
    // A folder, or nothing at all: opening it tells.
    return false;
  }
}

/** What is on every one of the hosts: a bundle is for all of them. */
async function askHosts(options: HostsOptions): Promise<{ hosts: HostResult[]; inventory?: Inventory }> {
  const stocks: { blobs: Set<Digest>; layers: ReadonlySet<Digest> }[] = [];
  const hosts = await onEveryHost(options, {}, async run => {
    await run.connected(undefined, async shell => {
      const blobs = await run.step('gather-facts', () => installedBlobs(shell));
      const { chains } = await run.step('inspect-engine', () => askStore(shell));
      stocks.push({ blobs, layers: chains });
    });
    return {};
  });
  const [first, ...rest] = stocks;
  if (!first) return { hosts };
  const names = hosts.map(({ name }) => name).join(', ');
  const common = (of: ReadonlySet<Digest>, others: ReadonlySet<Digest>[]): Digest[] =>
    [...of].filter(digest => others.every(other => other.has(digest)));
  return {
    hosts,
    inventory: {
      place: `${hosts.length === 1 ? 'host' : 'hosts'} ${names}`.slice(0, 300),
      blobs: new Map(
        common(
          first.blobs,
          rest.map(({ blobs }) => blobs),
        ).map(digest => [digest, undefined]),
      ),
      layers: new Set(
        common(
          first.layers,
          rest.map(({ layers }) => layers),
        ),
      ),
    },
  };
}

/** The engine's archive and every file that airferry has put there. */
async function installedBlobs(shell: Shell): Promise<Set<Digest>> {
  const state = await readState(shell);
  const files =
    state?.files.flatMap(({ sha256 }) => (sha256 === undefined ? [] : [`sha256:${sha256}` as const])) ?? [];
  return new Set<Digest>([...(state?.release ? [state.release.archive as Digest] : []), ...files]);
}
