/** What becomes of a layer on its way: compressed once if it was plain, hashed on both sides of the compression. */
import { type Digest, Digester } from '../content/digest.ts';
import { type Compression, layerMediaType } from '../content/media-types.ts';
import { decompress, gzipStream, zstdStream } from '../support/compress.ts';
import { tee } from '../support/tee.ts';
import type { Bytes, SourceLayer } from './source.ts';
import type { BlobInput } from './target.ts';

export interface PreparedLayer {
  blob: BlobInput;
  /** The digest of the uncompressed tar, known once the bytes have flowed; undefined where nobody had to look. */
  diffId(): Digest | undefined;
}

/**
 * How a layer of a source is offered to a target. Content that a manifest names by digest travels as it is; a plain tar
 * is compressed as asked; compressed bytes without a name are kept and looked into for their diffID.
 */
export function prepareLayer(layer: SourceLayer, wanted: Compression): PreparedLayer {
  const { descriptor, origin } = layer;
  if (descriptor) {
    const blob = { descriptor, ...(origin ? { origin } : {}), open: () => layer.open() };
    return { blob, diffId: () => undefined };
  }
  let diffId: Digest | undefined;
  const learn = (digest: Digest): void => {
    diffId = digest;
  };
  const open =
    layer.compression === 'none'
      ? () =>
          compress(digested(wanted === 'none' || !layer.lend ? layer.open() : layer.lend(), learn), wanted)
      : () => inspected(layer, learn);
  const mediaType = layerMediaType(layer.compression === 'none' ? wanted : layer.compression);
  return { blob: { mediaType, open }, diffId: () => diffId };
}

function compress(bytes: Bytes, wanted: Compression): Bytes {
  switch (wanted) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzipStream(bytes);
    case 'zstd':
      return zstdStream(bytes);
  }
}

async function* digested(bytes: Bytes, learn: (digest: Digest) => void): AsyncGenerator<Uint8Array> {
  const digester = new Digester();
  for await (const chunk of bytes) {
    digester.update(chunk);
    yield chunk;
  }
  learn(digester.digest());
}

/** The compressed bytes as they are, while a second reader decompresses them for their digest. */
async function* inspected(
  { key, compression, open }: SourceLayer,
  learn: (digest: Digest) => void,
): AsyncGenerator<Uint8Array> {
  const { passing, copy } = tee(open());
  const digester = new Digester();
  const inspection = (async () => {
    const plain = decompress(copy, compression as 'gzip' | 'zstd', `the layer ${key}`);
    for await (const chunk of plain) digester.update(chunk);
  })();
  inspection.catch(() => undefined);
  yield* passing;
  await inspection;
  learn(digester.digest());
}
