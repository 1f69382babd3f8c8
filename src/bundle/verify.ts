/** Verifying a bundle: every byte of the archive is accounted for, every blob hashed, every reference followed. */
import type { Digest } from '../content/digest.ts';
import type { ReadableFile } from '../support/file.ts';
import { mapLimit } from '../support/limit.ts';
import type { Meter } from '../support/meter.ts';
import { safePath } from '../tar/header.ts';
import type { TarEntry } from '../tar/index.ts';
import { HEAD_NAME } from '../transports/oci/bundle-store.ts';
import { blobPath } from '../transports/oci/file-store.ts';
import { partsAt } from '../transports/parts/joined.ts';
import { verifyLeftOut } from './delta/verify.ts';
import { EntryHasher } from './hasher.ts';
import type { Bundle } from './open.ts';
import { damagedPartMessage, damagedParts } from './parts/check.ts';
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
  /** What the bundle leaves out, and how much of it was in the bases that were given, and hashed there. */
  leftOut?: { blobs: number; bytes: number; checked: number; bases: string[] };
  problems: BundleProblem[];
}

/** What became of one blob or document that the manifest names. */
export interface CheckedEntry {
  /** `blobs/sha256/…`, `index.json` */
  name: string;
  /** As the manifest names it. */
  digest: Digest;
  size: number;
  /** Bytes from the start of the bundle; absent for what is not in it. */
  offset?: number;
  /** `elsewhere`: it is left out, and no base was given in which it could be checked. */
  result: 'sound' | 'damaged' | 'missing' | 'elsewhere';
  /** What needs it. */
  usedBy: string[];
}

interface Task {
  entry: TarEntry;
  digest: Digest;
  size: number;
}

/** As many as there are threads that hash, and one more each, which they take up at once. */
const AT_ONCE = 4;

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
  const tasks: Task[] = [];
  const leftOut = new Set(bundle.leftOut.map(({ digest }) => digest));
  const seen = new Set<string>();
  // The one thing that the manifest does not name, since it is over the manifest.
  const signatures = new Set(signatureEntries(bundle.entries));
  for (const { entry, why } of readSignatures(bundle.file, bundle.entries).damaged)
    problems.push({ kind: 'damaged', message: why, offset: entry.offset, size: entry.size, usedBy: [] });
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
        size: entry.size,
        usedBy: [],
      });
      continue;
    }
    seen.add(path);
    tasks.push({ entry, ...expected });
    options.meter.expect(entry.size);
  }
  for (const [path, { digest, size }] of named) {
    if (!seen.has(path) && !leftOut.has(digest)) {
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
  const absent = await verifyLeftOut(bundle, options);
  hashedBytes += absent.hashedBytes;
  problems.push(...absent.problems.map(problem => ({ ...problem, usedBy: uses.of(problem.blob) })));
  const unsound = new Map(absent.problems.map(({ blob, kind }) => [blob, kind]));
  for (const { digest, size } of bundle.leftOut) {
    const result = unsound.get(digest) ?? (bundle.hasBases ? 'sound' : 'elsewhere');
    options.onChecked?.({ name: blobPath(digest), digest, size, result, usedBy: uses.of(digest) });
  }
  await using hasher = new EntryHasher(bundle.file, tasks, options);
  const damaged = await mapLimit(tasks, AT_ONCE, async ({ entry, digest, size }) => {
    const actual = await hasher.hash(entry, digest);
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
      size: entry.size,
      usedBy: uses.of(digest),
    } as const;
  });
  problems.push(...damaged.filter(problem => problem !== undefined));
  problems.push(...(await partProblems(bundle.file, problems, options.signal)));
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
    ...(absent.summary && { leftOut: absent.summary }),
    problems,
  };
}

/** What parts are to blame for the problems of a bundle that is in parts. */
async function partProblems(
  file: ReadableFile,
  problems: readonly BundleProblem[],
  signal: AbortSignal | undefined,
): Promise<BundleProblem[]> {
  const touched = new Set(
    problems.flatMap(({ offset, size = 1 }) => (offset === undefined ? [] : partsAt(file, offset, size))),
  );
  const damaged = await damagedParts([...touched], signal);
  return damaged.map(part => ({
    kind: 'part',
    message: damagedPartMessage(part),
    part: part.path,
    usedBy: [],
  }));
}
