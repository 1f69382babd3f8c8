/** Reading a small text file of the operator. */
import { open, readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { AirferryError, systemCode } from '../errors.ts';
import { closest } from '../support/suggest.ts';
import { MOST_CHARACTERS } from './document.ts';
import { type Origin, problemsError } from './problem.ts';

/** Bytes that are read at once. */
const CHUNK = 1 << 16;
const UNICODE = new TextDecoder('utf-8', { fatal: true });

/**
 * The text of a file in UTF-8; a byte order mark is dropped.
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, or the origin's own code when it is too large or not text.
 * @param created what to do when there is no such file, for the suggestion
 * @param most bytes of the file, whole MiB
 */
export async function readText(origin: Origin, created: string, most = MOST_CHARACTERS): Promise<string> {
  const bytes = await readSome(origin.file, most + 1).catch(async error => {
    throw await unreadable(error, origin.file, created);
  });
  if (bytes.length > most) throw refused(origin, `the file is larger than ${most / (1 << 20)} MiB`, 1);
  try {
    return UNICODE.decode(bytes);
  } catch {
    const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const { text, line } = firstBroken(bytes);
    throw refused(
      origin,
      text,
      line,
      wide ? 'The file is in UTF-16: save it as UTF-8.' : 'Save the file as UTF-8.',
    );
  }
}

/** Read until the end or the limit, so that a pipe or a device without an end does no harm. */
async function readSome(file: string, limit: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    while (length < limit) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, limit - length));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await handle.close();
  }
}

function firstBroken(bytes: Buffer): { text: string; line: number } {
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(0x0a); ; end = bytes.indexOf(0x0a, start)) {
    try {
      UNICODE.decode(bytes.subarray(start, end === -1 ? bytes.length : end));
    } catch {
      break;
    }
    if (end === -1) break;
    start = end + 1;
    line++;
  }
  return { text: 'the file is not text in UTF-8', line };
}

function refused(origin: Origin, message: string, line: number, suggestion?: string): AirferryError {
  const suggestions = suggestion === undefined ? undefined : [suggestion];
  return problemsError([{ message, at: { line, column: 1 }, suggestions }], origin);
}

async function unreadable(error: unknown, file: string, created: string): Promise<AirferryError> {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const neighbours = await readdir(dirname(file)).catch(() => []);
    const near = closest(basename(file), neighbours);
    const suggestions = near === undefined ? [] : [`Did you mean ${near}?`];
    return new AirferryError('FILE_NOT_FOUND', `${file} does not exist`, {
      where: { file },
      suggestions: [...suggestions, created],
      cause: error,
    });
  }
  const reason =
    code === 'EISDIR'
      ? 'it is a folder'
      : code === 'EACCES'
        ? 'permission denied'
        : (code ?? 'unknown reason');
  return new AirferryError('FILE_UNREADABLE', `${file} cannot be read: ${reason}`, {
    where: { file },
    cause: error,
  });
}
