/** The evidence of a verification, for auditors: what was checked, when, with what, and what came of it. */
import type { AirferryError } from '../../errors.ts';
import type { SignatureReport } from '../sign/check.ts';
import type { BundleVerification, CheckedEntry } from '../verify.ts';

/** Version of the report's own format; a newer minor only adds fields. */
export const REPORT_VERSION = '1.0';

export interface VerificationRun {
  /** Of airferry. */
  version: string;
  startedAt: Date;
  finishedAt: Date;
  /** As it was named. */
  path: string;
}

/** What came of it: the result of a whole verification, or why the bundle could not even be opened. */
export type VerificationOutcome =
  | {
      verification: BundleVerification & { signature: SignatureReport };
      entries: readonly CheckedEntry[];
      /** Why it is refused; a sound bundle may be, for its signature. */
      error?: AirferryError;
    }
  | { verification?: undefined; error: AirferryError };

export interface VerificationReport {
  schemaVersion: typeof REPORT_VERSION;
  kind: 'airferry-verification-report';
  airferry: string;
  /** RFC 3339, UTC. */
  startedAt: string;
  finishedAt: string;
  /** `sound`: every byte is as the manifest says, and the signature is one that is demanded here, if any is. */
  result: 'sound' | 'refused';
  bundle: {
    path: string;
    name?: string;
    version?: string;
    /** Of the manifest, which names every blob by digest. */
    digest?: string;
    /** Bytes of the file. */
    size?: number;
  };
  checked?: { entries: number; bytes: number; references: number };
  /** What the bundle leaves out, since the far side has it; `checked` were hashed in the bases that were given. */
  leftOut?: NonNullable<BundleVerification['leftOut']>;
  signature?: SignatureReport;
  /** Why it is refused. */
  error?: { code: string; message: string };
  problems: BundleVerification['problems'];
  /** Every blob and document that the manifest names, in the order of the archive; what is not in it comes last. */
  entries: CheckedEntry[];
}

/** Put a report together. Pure. */
export function verificationReport(run: VerificationRun, outcome: VerificationOutcome): VerificationReport {
  const { verification, error } = outcome;
  const common = {
    schemaVersion: REPORT_VERSION,
    kind: 'airferry-verification-report',
    airferry: run.version,
    startedAt: run.startedAt.toISOString(),
    finishedAt: run.finishedAt.toISOString(),
    result: error ? 'refused' : 'sound',
    ...(error && { error: { code: error.code, message: error.message } }),
  } as const;
  if (!verification) return { ...common, bundle: { path: run.path }, problems: [], entries: [] };
  const { name, version, digest, size, blobs, hashedBytes, references, leftOut } = verification;
  const { signature, problems } = verification;
  return {
    ...common,
    bundle: { path: run.path, name, version, digest, size },
    checked: { entries: blobs, bytes: hashedBytes, references },
    ...(leftOut && { leftOut }),
    signature,
    problems,
    entries: outcome.entries.toSorted(byPlace),
  };
}

function byPlace(a: CheckedEntry, b: CheckedEntry): number {
  const last = Number.MAX_SAFE_INTEGER;
  return (a.offset ?? last) - (b.offset ?? last);
}
