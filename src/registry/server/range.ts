/** The `Range` of a request for a blob, and the `Content-Range` of an upload's chunk. RFC 9110, 14. Pure. */
import type { ByteRange } from './content.ts';

/**
 * The part of `size` bytes that a Range header asks for. Undefined for all of it: also for what is no range of bytes,
 * and for several ranges, which a server need not serve. `unsatisfiable` where the blob has no such bytes.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, from, to] = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= size ? 'unsatisfiable' : { first, last };
}

/** What a chunk says of its own place: `0-1023`, as OCI writes it, or `bytes 0-1023/2048`, as HTTP does. */
export function chunkRange(header: string): ByteRange | undefined {
  const [, from, to] = /^(?:bytes[ =])?(\d{1,16})-(\d{1,16})(?:\/.*)?$/.exec(header) ?? [];
  const range = { first: Number(from), last: Number(to) };
  return to === undefined || range.last < range.first ? undefined : range;
}
