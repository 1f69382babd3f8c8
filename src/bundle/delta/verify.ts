/** Verifying what a bundle leaves out, as far as the bases that have it are at hand. */
import { describeBase } from '../../content/delta.ts';
import type { Digest } from '../../content/digest.ts';
import { isAirferryError } from '../../errors.ts';
import type { Meter } from '../../support/meter.ts';
import type { Bundle, LeftOut } from '../open.ts';

export interface LeftOutChecked {
  /** Undefined for a bundle that leaves nothing out. */
  summary?: { blobs: number; bytes: number; checked: number; bases: string[] };
  hashedBytes: number;
  problems: { kind: 'missing' | 'damaged'; message: string; blob: Digest }[];
}

/**
 * Hash in the bases what a bundle leaves out. Where bases were opened with it, all of it has to be there; without any, nothing is
 * asked. Throws INTERRUPTED, FILE_UNREADABLE.
 */
export async function verifyLeftOut(
  bundle: Bundle,
  { meter, signal }: { meter: Meter; signal?: AbortSignal },
): Promise<LeftOutChecked> {
  const { leftOut, manifest } = bundle;
  const result: LeftOutChecked = { hashedBytes: 0, problems: [] };
  if (!manifest.delta) return result;
  const bytes = leftOut.reduce((sum, { size }) => sum + size, 0);
  const bases = manifest.delta.bases.map(describeBase);
  const summary = { blobs: leftOut.length, bytes, checked: 0, bases };
  result.summary = summary;
  if (!bundle.hasBases) return result;
  for (const { atHand, size } of leftOut) if (atHand) meter.expect(size);
  for (const blob of leftOut) {
    const problem = await problemOf(bundle, blob, meter, signal);
    if (problem) result.problems.push({ ...problem, blob: blob.digest });
    else {
      summary.checked++;
      result.hashedBytes += blob.size;
    }
  }
  return result;
}

async function problemOf(
  bundle: Bundle,
  blob: LeftOut,
  meter: Meter,
  signal: AbortSignal | undefined,
): Promise<Omit<LeftOutChecked['problems'][number], 'blob'> | undefined> {
  if (!blob.atHand) {
    const had = blob.had.join(' and ');
    return { kind: 'missing', message: `${blob.digest} is left out and in none of the bases; ${had} had it` };
  }
  try {
    for await (const chunk of bundle.blob(blob)) {
      signal?.throwIfAborted();
      meter.advance(chunk.length);
    }
    return undefined;
  } catch (error) {
    if (!isAirferryError(error, 'DIGEST_MISMATCH')) throw error;
    return { kind: 'damaged', message: `${error.message}, in ${error.where.file}` };
  }
}
