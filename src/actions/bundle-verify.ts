/** `bundle verify`: open a bundle, and check all of it. */
import { Bundle } from '../bundle/open.ts';
import { damagedPartMessage, damagedParts } from '../bundle/parts/check.ts';
import { checkSignatures, type SignatureReport, signatureError } from '../bundle/sign/check.ts';
import { trustedKeys } from '../bundle/sign/trust.ts';
import { type BundleVerification, type CheckedEntry, verifyBundle as verify } from '../bundle/verify.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { plural } from '../support/format.ts';
import type { Meter } from '../support/meter.ts';
import type { BundleFrom } from '../transports/oci/bundle-store.ts';
import { type Part, partsAt } from '../transports/parts/joined.ts';
import { openWhole } from '../transports/parts/open.ts';

export interface BundleVerifyOptions {
  path: string;
  /** Files of the keys of which one must have signed it; those of the trusted folders where none are named. */
  trustedKeys?: string[];
  /** Folders of more parts, and files with blobs that it leaves out. */
  from?: BundleFrom;
  /** Told of every blob and document as it is done. */
  onChecked?: (entry: CheckedEntry) => void;
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
  from = {},
  ...work
}: BundleVerifyOptions): Promise<BundleVerified> {
  const trusted = await trustedKeys(named);
  const bundle = await openDamaged(path, from, work.signal);
  try {
    const verification = await verify(bundle, work);
    return { ...verification, signature: checkSignatures(bundle, trusted) };
  } finally {
    bundle.close();
  }
}

const WHOLE =
  'Carry the bundle over again; `sha256sum` on both sides tells whether the copy or the original is bad.';

/** The error that a report amounts to; undefined for a sound bundle that is signed as is demanded here. */
export function problemsError({ path, problems, signature }: BundleVerified): AirferryError | undefined {
  const [first] = problems;
  if (!first) return signatureError(path, signature);
  const parts = problems.flatMap(({ part }) => part ?? []);
  return new AirferryError(
    'BUNDLE_CORRUPT',
    `${path} is not sound: ${plural(problems.length, 'problem')}; first: ${first.message}`,
    {
      where: { file: parts[0] ?? path, blob: first.blob, offset: first.offset },
      suggestions: [
        ...parts.map(part => `Carry ${part} over again; the other parts need not be.`),
        ...(parts.length > 0 ? [] : [WHOLE]),
      ],
    },
  );
}
async function openDamaged(path: string, from: BundleFrom, signal: AbortSignal | undefined): Promise<Bundle> {
  let bundle: Bundle | undefined;
  try {
    bundle = Bundle.open(path, from);
    // All headers are read here: one that is damaged is told of as all damage is that leaves nothing to go by.
    void bundle.entries;
    return bundle;
  } catch (error) {
    bundle?.close();
    const damage = ['ARCHIVE_INVALID', 'ARCHIVE_TRUNCATED', 'DIGEST_MISMATCH'] as const;
    if (!isAirferryError(error, ...damage, 'BUNDLE_INVALID')) throw error;
    // A base that cannot be read says nothing about the bundle.
    if (from.bases?.some(base => base === error.where.file)) throw error;
    const [part] = await damagedPartsOf(path, from, signal);
    if (!part && error.code === 'BUNDLE_INVALID') throw error;
    const { message, where, suggestions, cause } = error;
    throw new AirferryError('BUNDLE_CORRUPT', part ? damagedPartMessage(part) : message, {
      where: part ? { file: part.path } : { ...where, file: path },
      suggestions: part ? [`It was found by this: ${message}.`] : suggestions,
      cause,
    });
  }
}

/** The damaged parts of a bundle that cannot be opened; none where it is not in parts. */
async function damagedPartsOf(
  path: string,
  { parts = [] }: BundleFrom,
  signal: AbortSignal | undefined,
): Promise<Part[]> {
  const file = openWhole(path, parts);
  try {
    return await damagedParts(partsAt(file, 0, file.size), signal);
  } finally {
    file.close();
  }
}
