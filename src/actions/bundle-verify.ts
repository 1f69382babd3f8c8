/** `bundle verify`: open a bundle, and check all of it. */
import { Bundle } from '../bundle/open.ts';
import { checkSignatures, type SignatureReport, signatureError } from '../bundle/sign/check.ts';
import { trustedKeys } from '../bundle/sign/trust.ts';
import { type BundleVerification, verifyBundle as verify } from '../bundle/verify.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { plural } from '../support/format.ts';
import type { Meter } from '../support/meter.ts';

export interface BundleVerifyOptions {
  path: string;
  /** Files of the keys of which one must have signed it; those of the trusted folders where none are named. */
  trustedKeys?: string[];
  meter: Meter;
  signal?: AbortSignal;
}

/** What was checked, and who vouches for it. */
export interface BundleVerified extends BundleVerification {
  signature: SignatureReport;
}

/**
 * Verify a bundle and report; the report may hold problems, see `problemsError`. Throws BUNDLE_INVALID for what is no
 * bundle, BUNDLE_CORRUPT for one whose head, headers or manifest are too damaged to go on; KEY_INVALID, FILE_NOT_FOUND
 * and FILE_UNREADABLE for the trusted keys.
 */
export async function verifyBundle({
  path,
  trustedKeys: named,
  meter,
  signal,
}: BundleVerifyOptions): Promise<BundleVerified> {
  const trusted = await trustedKeys(named);
  const bundle = openDamaged(path);
  try {
    const verification = await verify(bundle, { meter, signal });
    return { ...verification, signature: checkSignatures(bundle, trusted) };
  } finally {
    bundle.close();
  }
}

/** The error that a report amounts to; undefined for a sound bundle that is signed as is demanded here. */
export function problemsError({ path, problems, signature }: BundleVerified): AirferryError | undefined {
  const [first] = problems;
  if (!first) return signatureError(path, signature);
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
