/** The checksums that publishers put beside their files: one digest alone, or lists as sha256sum writes them. */
import type { Digest } from '../../content/digest.ts';
import { readAll } from '../../content/verified.ts';
import { isAirferryError } from '../../errors.ts';
import { failed, type TransferOptions, transfer } from './transfer.ts';

/** Bytes; lists of a release have some dozens of lines. */
const MOST_BYTES = 256 * 1024;

/**
 * The digest that a text gives for a file: the only one of a text without names, else that of the line with the name.
 * Undefined where there is none, or where two lines contradict each other.
 */
export function checksumIn(text: string, fileName: string): Digest | undefined {
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '' && !line.startsWith('#'));
  const alone = /^([0-9a-fA-F]{64})\s*$/.exec(lines[0] ?? '')?.[1];
  if (alone !== undefined && lines.length === 1) return `sha256:${alone.toLowerCase()}`;
  const found = new Set(
    lines.flatMap(line => {
      const [, hex, name = ''] = /^([0-9a-fA-F]{64})[ \t]+[*]?(.+?)\s*$/.exec(line) ?? [];
      return hex !== undefined && name.replace(/^.*\//, '') === fileName ? [hex.toLowerCase()] : [];
    }),
  );
  const [only] = found;
  return found.size === 1 && only !== undefined ? `sha256:${only}` : undefined;
}

/**
 * Fetch what a publisher says of a file; undefined where it has no such list any more (404). Throws DOWNLOAD_FAILED, also
 * for a list that does not have the file.
 */
export async function publishedChecksum(
  url: string,
  fileName: string,
  options: Pick<TransferOptions, 'signal' | 'retry'>,
): Promise<Digest | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readAll(transfer(url, options), MOST_BYTES);
  } catch (error) {
    if (isAirferryError(error, 'DOWNLOAD_FAILED') && / answered (?:404|410)$/.test(error.message))
      return undefined;
    throw error;
  }
  const digest = bytes && checksumIn(Buffer.from(bytes).toString('utf8'), fileName);
  if (digest === undefined) throw failed(url, `gave no checksum of ${fileName}`);
  return digest;
}
