/** Hashing files on a host, where a release of an engine has more than 200 MB to be looked at in every run. */

/**
 * Defines the sh function `sums FILE…`, which prints a line for each file as `sha256sum` does: the hash, a blank, a
 * blank or `*`, the name as it was given, which must not begin with `-`. OpenSSL is three times as fast where the
 * processor helps; where it is missing, or does not read every file, the lines are those of `sha256sum`.
 */
export const DEFINE_SUMS = 'sums() { openssl dgst -sha256 -r "$@" 2>/dev/null || sha256sum -- "$@"; }';

/**
 * A format for `stat -c`: inode, size, and when content and inode were last changed, in nanoseconds. The kernel sets the
 * last of them with every change, and lets nobody else set it: a file for which these stand has the content that it had.
 */
export const FINGERPRINT = '%i %s %.9Y %.9Z';

/** Defines the sh function `digest`, which prints a line for its stdin that begins with its sha256 in hex. */
export const DEFINE_DIGEST =
  'digest() { if openssl dgst -sha256 -r </dev/null >/dev/null 2>&1; then openssl dgst -sha256 -r; else sha256sum; fi; }';
