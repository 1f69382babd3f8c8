/** What a file is by its first bytes, in words: for telling an operator what they have given us instead. */

const MAGICS: ReadonlyArray<readonly [bytes: readonly number[], what: string]> = [
  [[0x1f, 0x8b], 'gzip-compressed'],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz-compressed'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd-compressed'],
  [[0x42, 0x5a, 0x68], 'bzip2-compressed'],
  [[0x7f, 0x45, 0x4c, 0x46], 'an ELF binary'],
  [[0xcf, 0xfa, 0xed, 0xfe], 'a macOS binary'],
  [[0xca, 0xfe, 0xba, 0xbe], 'a macOS binary'],
  [[0x4d, 0x5a], 'a Windows binary'],
  [[0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e], 'a Debian package or static library'],
  [[0xed, 0xab, 0xee, 0xdb], 'an RPM package'],
  [[0x23, 0x21], 'a script'],
];

/** Whether the bytes start a gzip stream (RFC 1952, section 2.3.1). */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Whether the first 512 bytes are a tar header (POSIX ustar or GNU: both say `ustar` at offset 257). */
export function isTar(head: Uint8Array): boolean {
  return head.length >= 262 && Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar';
}

/** `a web page`, `a zip archive`, `empty` …; undefined for bytes that say nothing about themselves. */
export function describeHead(head: Uint8Array): string | undefined {
  if (head.length === 0) return 'empty';
  for (const [bytes, what] of MAGICS) {
    if (bytes.every((byte, i) => head[i] === byte)) return what;
  }
  const text = Buffer.from(head.subarray(0, 256)).toString('latin1').trimStart().toLowerCase();
  if (/^(?:\u00ef\u00bb\u00bf)?<(?:!doctype|html|head|\?xml|!--)/.test(text)) return 'a web page';
  if (/^[{[]\s*["{[\]}]/.test(text)) return 'a JSON document';
  if (head.subarray(0, 512).every(byte => byte === 0)) return 'nothing but zero bytes';
  return undefined;
}
