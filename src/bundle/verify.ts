/** Verifying a bundle: every byte of the archive is accounted for, every blob hashed, every reference followed. */
import { type Digest, Digester } from '../content/digest.ts';
import { mapLimit } from '../support/limit.ts';
import type { Meter } from '../support/meter.ts';
import { safePath } from '../tar/header.ts';
import type { TarEntry } from '../tar/index.ts';
import { blobPath } from '../transports/oci/file-store.ts';
import { HEAD_NAME } from './manifest.ts';
import type { Bundle } from './open.ts';
import type { BundleProblem } from './problem.ts';
import { readSignatures, signatureEntries } from './sign/entries.ts';
import { structureProblems } from './structure.ts';
import { usesOfBlobs } from './uses.ts';

export interface BundleVerification {
  path: string;
  name: string;
  version: string;
  /** Of the manifest; it vouches for everything that was checked. */
  digest: Digest;
  /** Bytes of the file. */
  size: number;
  /** What was checked: blobs and bytes that were hashed, references that were followed. */
  blobs: number;
  hashedBytes: number;
  references: number;
  problems: BundleProblem[];
}

/** What became of one blob or document that the manifest names. */
export interface CheckedEntry {
  /** `blobs/sha256/…`, `index.json` */
  name: string;
  /** As the manifest names it. */
  digest: Digest;
  size: number;
  /** Bytes from the start of the bundle; absent for what is missing. */
  offset?: number;
  result: 'sound' | 'damaged' | 'missing';
  /** What needs it. */
  usedBy: string[];
}

/** While one entry is hashed the next one is read. */
const AT_ONCE = 2;

/**
 * Check all of a bundle that opens. Damage is reported, never thrown, so that one bad blob does not hide another.
 * `onChecked` is told of every blob and document as it is done, in no certain order.
 * Throws INTERRUPTED, and FILE_UNREADABLE when the disk itself fails.
 */
export async function verifyBundle(
  bundle: Bundle,
  options: { meter: Meter; signal?: AbortSignal; onChecked?: (entry: CheckedEntry) => void },
): Promise<BundleVerification> {
  const uses = usesOfBlobs(bundle);
  const named = new Map<string, { digest: Digest; size: number }>();
  const { manifest, head } = bundle;
  for (const { digest, size } of [...manifest.blobs, head.manifest])
    named.set(blobPath(digest), { digest, size });
  for (const [name, document] of Object.entries(manifest.documents)) named.set(name, document);

  const problems: BundleProblem[] = [...(await structureProblems(bundle)), ...uses.problems];
  const tasks: { entry: TarEntry; digest: Digest; size: number }[] = [];
  const seen = new Set<string>();
  // The one thing that the manifest does not name, since it is over the manifest.
  const signatures = new Set(signatureEntries(bundle.entries));
  for (const { entry, why } of readSignatures(bundle.file, bundle.entries).damaged)
    problems.push({ kind: 'damaged', message: why, offset: entry.offset, usedBy: [] });
  for (const entry of bundle.entries) {
    if (signatures.has(entry)) continue;
    const path = entry.type === 'file' ? safePath(entry.name) : undefined;
    if (path === HEAD_NAME && !seen.has(path)) {
      seen.add(path);
      continue;
    }
    const expected = path === undefined ? undefined : named.get(path);
    if (path === undefined || !expected || seen.has(path)) {
      const why =
        path !== undefined && seen.has(path) ? 'is in the archive twice' : 'is not named by the manifest';
      problems.push({
        kind: 'foreign',
        message: `the entry "${entry.name.slice(0, 200)}" ${why}`,
        offset: entry.offset,
        usedBy: [],
      });
      continue;
    }
    seen.add(path);
    tasks.push({ entry, ...expected });
    options.meter.expect(entry.size);
  }
  for (const [path, { digest, size }] of named) {
    if (!seen.has(path)) {
      options.onChecked?.({ name: path, digest, size, result: 'missing', usedBy: uses.of(digest) });
      problems.push({
        kind: 'missing',
        message: `${path} is not in the archive`,
        blob: digest,
        usedBy: uses.of(digest),
      });
    }
  }
  let hashedBytes = 0;
  const damaged = await mapLimit(tasks, AT_ONCE, async ({ entry, digest, size }) => {
    const actual = await hashEntry(bundle, entry, digest, options);
    hashedBytes += entry.size;
    const sound = actual === digest && entry.size === size;
    const { name, offset } = entry;
    const result = sound ? 'sound' : 'damaged';
    options.onChecked?.({ name, digest, size, offset, result, usedBy: uses.of(digest) });
    if (sound) return undefined;
    const found =
      entry.size === size ? `its content is ${actual}` : `it has ${entry.size} bytes instead of ${size}`;
    return {
      kind: 'damaged',
      message: `${entry.name} is damaged: ${found}`,
      blob: digest,
      offset: entry.offset,
      usedBy: uses.of(digest),
    } as const;
  });
  problems.push(...damaged.filter(problem => problem !== undefined));
  problems.sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
  const { name, version } = head;
  const counts = { blobs: tasks.length, hashedBytes, references: uses.references };
  return {
    path: bundle.path,
    name,
    version,
    digest: bundle.digest,
    size: bundle.file.size,
    ...counts,
    problems,
  };
}

async function hashEntry(
  bundle: Bundle,
  entry: TarEntry,
  like: Digest,
  { meter, signal }: { meter: Meter; signal?: AbortSignal },
): Promise<Digest> {
  const digester = new Digester(like);
  for await (const chunk of bundle.file.stream(entry.offset, entry.size)) {
    signal?.throwIfAborted();
    digester.update(chunk);
    meter.advance(chunk.length);
  }
  return digester.digest();
}
