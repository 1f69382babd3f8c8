/** `bundle verify`: open a bundle, and check all of it. */
import { Bundle } from '../bundle/open.ts';
import { type BundleVerification, verifyBundle as verify } from '../bundle/verify.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { plural } from '../support/format.ts';
import type { Meter } from '../support/meter.ts';

export interface BundleVerifyOptions {
  path: string;
  meter: Meter;
  signal?: AbortSignal;
}

/**
 * Verify a bundle and report; the report may hold problems, see `problemsError`. Throws BUNDLE_INVALID for what is no
 * bundle, BUNDLE_CORRUPT for one whose head, headers or manifest are too damaged to go on.
 */
export async function verifyBundle({
  path,
  meter,
  signal,
}: BundleVerifyOptions): Promise<BundleVerification> {
  const bundle = openDamaged(path);
  try {
    return await verify(bundle, { meter, signal });
  } finally {
    bundle.close();
  }
}

/** The error that a report with problems amounts to; undefined for a sound bundle. */
export function problemsError({ path, problems }: BundleVerification): AirferryError | undefined {
  const [first] = problems;
  if (!first) return undefined;
  return new AirferryError(
    'BUNDLE_CORRUPT',
    `${path} is not sound: ${plural(problems.length, 'problem')}; first: ${first.message}`,
    {
      where: { file: path, blob: first.blob, offset: first.offset },
      suggestions: [
        'Carry the bundle over again; `sha256sum` on both sides tells whether the copy or the original is bad.',
      ],
    },
  );
}

function openDamaged(path: string): Bundle {
  try {
    return Bundle.open(path);
  } catch (error) {
    if (!isAirferryError(error, 'ARCHIVE_INVALID', 'ARCHIVE_TRUNCATED', 'DIGEST_MISMATCH')) throw error;
    const { message, where, suggestions, cause } = error;
    throw new AirferryError('BUNDLE_CORRUPT', message, {
      where: { ...where, file: path },
      suggestions,
      cause,
    });
  }
}
