/** Blobs as a registry serves them: whole ones verified on their way, parts read from where they begin. */
import type { Descriptor } from '../../content/descriptor.ts';
import { verified } from '../../content/verified.ts';
import type { ServedBlob } from '../../registry/server/content.ts';
import { once } from '../../support/once.ts';
import type { Bytes, SourceLayer } from '../source.ts';

/** A layer under its digest, by which its bytes are checked if the source does not do that itself. */
export function blobOfLayer(layer: SourceLayer, descriptor: Descriptor): ServedBlob {
  const whole = (): Bytes => (layer.descriptor ? layer.open() : verified(layer.open(), descriptor));
  return {
    size: layer.size,
    open(range) {
      if (!range) return whole();
      const length = range.last - range.first + 1;
      return layer.slice?.(range.first, length) ?? cut(whole(), range.first, length);
    },
  };
}

/** A config, which is in memory. */
export function blobOfBytes(bytes: Uint8Array): ServedBlob {
  return {
    size: bytes.length,
    open: range => once(range ? bytes.subarray(range.first, range.last + 1) : bytes),
  };
}

/** The part of a stream that can only be read from its beginning. */
async function* cut(bytes: Bytes, offset: number, length: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const chunk of bytes) {
    const part = chunk.subarray(Math.max(0, offset - at), Math.max(0, offset + length - at));
    if (part.length > 0) yield part;
    at += chunk.length;
    if (at >= offset + length) return;
  }
}
