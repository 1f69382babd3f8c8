/** `bundle verify --report`: verify, and leave evidence, of failure as well. */
import { type VerificationOutcome, verificationReport } from '../bundle/report/verification.ts';
import { verificationPage } from '../bundle/report/verification-page.ts';
import type { CheckedEntry } from '../bundle/verify.ts';
import { type AirferryError, isAirferryError } from '../errors.ts';
import {
  type BundleVerified,
  type BundleVerifyOptions,
  problemsError,
  verifyBundle,
} from './bundle-verify.ts';
import { ReportFiles } from './report-files.ts';

export interface VerifyReportOptions extends BundleVerifyOptions {
  /** Files to write, each ending in .json or .html. */
  reports: readonly string[];
  /** The version of airferry that says so. */
  airferry: string;
}

/**
 * Verify a bundle and write reports of it, also where it is refused, or too damaged to be opened: what `verifyBundle`
 * throws for that is thrown after. Nothing is written after an interruption, or where there is no bundle to speak of.
 * Throws USAGE for a report of another kind, FILE_UNWRITABLE and DISK_FULL for its file.
 */
export async function verifyAndReport({
  reports,
  airferry,
  ...options
}: VerifyReportOptions): Promise<BundleVerified> {
  const files = await ReportFiles.begin(reports);
  const startedAt = new Date();
  const write = (outcome: VerificationOutcome): Promise<void> => {
    const run = { version: airferry, startedAt, finishedAt: new Date(), path: options.path };
    const report = verificationReport(run, outcome);
    return files.commit(format =>
      format === 'html' ? verificationPage(report) : `${JSON.stringify(report, undefined, 2)}\n`,
    );
  };
  try {
    const entries: CheckedEntry[] = [];
    const verification = await verifyBundle({ ...options, onChecked: entry => entries.push(entry) });
    const error = problemsError(verification);
    await write({ verification, entries, ...(error && { error }) });
    return verification;
  } catch (error) {
    if (isAirferryError(error, 'BUNDLE_CORRUPT', 'BUNDLE_INVALID'))
      await write({ error: error as AirferryError });
    throw error;
  } finally {
    await files.discard();
  }
}
