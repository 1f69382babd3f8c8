/** The line by which a test file tells the runner what ran; written by `suite.ts`, read by `test/run.ts`. */
export const COUNTS_LINE = /^suite-counts passed=(\d+) failed=(\d+) skipped=(\d+) total=(\d+)$/m;
