/** Where in a bundle its signatures lie: each a file of minisign, named after its key, behind everything else. */
import {
  formatSignature,
  type MinisignSignature,
  parseSignature,
  SIGNATURE_LIMIT,
} from '../../content/minisign.ts';
import { isAirferryError } from '../../errors.ts';
import type { ReadableFile } from '../../support/file.ts';
import { paddedSize } from '../../tar/header.ts';
import type { TarEntry } from '../../tar/index.ts';
import type { TailFile } from '../../transports/archive/tail.ts';

const NAME = /^signatures\/([0-9A-F]{16})\.minisig$/;
/** A rotation needs two, a committee a few. */
export const MOST_SIGNATURES = 16;

export interface BundleSignature {
  entry: TarEntry;
  signature: MinisignSignature;
}

/** The entries that are signatures by their place and name, whatever is in them: at most 16 at the end, one for each key. */
export function signatureEntries(entries: readonly TarEntry[]): TarEntry[] {
  const found: TarEntry[] = [];
  for (const entry of entries.toReversed()) {
    const fits = entry.type === 'file' && NAME.test(entry.name) && entry.size <= SIGNATURE_LIMIT;
    if (!fits || found.length >= MOST_SIGNATURES || found.some(({ name }) => name === entry.name)) break;
    found.unshift(entry);
  }
  return found;
}

/** The signatures of a bundle, and what is wrong with those that cannot be read: they are to be as airferry writes them. */
export function readSignatures(
  file: ReadableFile,
  entries: readonly TarEntry[],
): { signatures: BundleSignature[]; damaged: { entry: TarEntry; why: string }[] } {
  const signatures: BundleSignature[] = [];
  const damaged: { entry: TarEntry; why: string }[] = [];
  for (const entry of signatureEntries(entries)) {
    const text = Buffer.from(file.readAt(entry.offset, entry.size)).toString('utf8');
    try {
      const signature = parseSignature(text, entry.name);
      const exact = formatSignature(signature) === text && signatureName(signature.keyId) === entry.name;
      if (exact) signatures.push({ entry, signature });
      else damaged.push({ entry, why: `${entry.name} is not as airferry writes it` });
    } catch (error) {
      if (!isAirferryError(error, 'SIGNATURE_INVALID')) throw error;
      damaged.push({ entry, why: error.message });
    }
  }
  return { signatures, damaged };
}

/** The signature as a file of the archive. */
export function signatureFile(signature: MinisignSignature): TailFile {
  const name = signatureName(signature.keyId);
  return { name, path: name, bytes: Buffer.from(formatSignature(signature)) };
}

/** Where signatures begin, or are to: behind the last entry that is none. In bytes from the start of the file. */
export function signaturesStart(entries: readonly TarEntry[]): number {
  const last = entries[entries.length - signatureEntries(entries).length - 1];
  return last === undefined ? 0 : last.offset + paddedSize(last.size);
}

/** The ID of the key that an entry is named after. */
export function signatureKeyId(name: string): string {
  return NAME.exec(name)?.[1] ?? '';
}

/** Whether a path in a bundle is one of a signature. */
export function isSignature(path: string): boolean {
  return NAME.test(path);
}

function signatureName(keyId: string): string {
  return `signatures/${keyId}.minisig`;
}
