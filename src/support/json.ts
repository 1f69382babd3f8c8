/** JSON that came from elsewhere. */
import { isUtf8 } from 'node:buffer';

/** Parse JSON in UTF-8; RFC 8259. Throws SyntaxError, also for what is no UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw new SyntaxError('not in UTF-8');
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

/** The value of a text; undefined for what is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
