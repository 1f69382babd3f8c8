/**
 * An archive that is compressed as a whole, read from front to back.
 *
 * `manifest.json` comes last in it, so what an entry is must be told from its own first bytes: documents are small
 * JSON and are kept; a tar, plain or compressed, is a layer and is handed out while it passes. Only at the end is it
 * known which images the archive holds.
 */
import { isDigest } from '../../content/digest.ts';
import { sniffCompression } from '../../content/media-types.ts';
import type { Reference } from '../../content/reference.ts';
import { verified } from '../../content/verified.ts';
import { AirferryError } from '../../errors.ts';
import { decompress } from '../../support/compress.ts';
import type { ReadFile } from '../../support/file.ts';
import type { Meter } from '../../support/meter.ts';
import { peek } from '../../support/peek.ts';
import { safePath } from '../../tar/header.ts';
import { type WalkedEntry, walkTar } from '../../tar/walk.ts';
import type { Bytes, SequentialSource, SourceLayer } from '../source.ts';
import { Seen } from './seen.ts';

const CONTENT_ADDRESSED = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/;

/** The images of a gzip- or zstd-compressed docker-archive or OCI archive. The meter counts bytes of the file. */
export function sequentialSource(
  file: ReadFile,
  compression: 'gzip' | 'zstd',
  options: { meter: Meter; fallbackName?: Reference },
): SequentialSource {
  const seen = new Seen(file.path, options.fallbackName);
  let complete = false;

  async function* plain(bytes: Bytes): Bytes & AsyncGenerator<Uint8Array> {
    try {
      yield* decompress(bytes, compression, file.path);
    } catch (error) {
      throw error instanceof AirferryError ? error.at({ file: file.path }) : error;
    }
  }

  async function* walk(bytes: Bytes): AsyncGenerator<WalkedEntry & { path: string }> {
    for await (const { header, body } of walkTar(plain(bytes), file.path)) {
      const path = safePath(header.name);
      if (path) yield { header, body, path };
    }
  }

  async function* layers(): AsyncGenerator<SourceLayer> {
    for await (const { header, body, path } of walk(options.meter.count(file.stream(), { reached: 0 }))) {
      if (header.type === 'symlink' || header.type === 'link') seen.links.add(path, header);
      if (header.type !== 'file' || header.size === 0) continue;
      const { head, whole } = await peek(body, 512);
      if (!(await seen.isLayer(path, header.size, head, whole))) continue;
      let passing: Bytes | undefined = whole;
      const open = (): Bytes => {
        const opened = passing ?? again(path);
        passing = undefined;
        return named(path, header.size, opened, file.path);
      };
      yield { key: path, size: header.size, compression: sniffCompression(head), open };
    }
    yield* await seen.jsonLayers();
    complete = true;
  }

  /** A layer that has passed already, for who needs it once more: the file is gone through from its beginning. */
  async function* again(wanted: string): AsyncGenerator<Uint8Array> {
    for await (const { header, body, path } of walk(file.stream())) {
      if (path !== wanted || header.type !== 'file') continue;
      yield* body;
      return;
    }
  }

  return {
    description: `docker-archive:${file.path}`,
    access: 'sequential',
    bytes: file.size,
    whole: () => file.stream(),
    get complete() {
      return complete;
    },
    layers,
    inventory: () => seen.inventory(),
    close: async () => file.close(),
  };
}

/** An entry that is named by its digest has to have it. */
function named(path: string, size: number, bytes: Bytes, file: string): Bytes {
  const [, algorithm, hex] = CONTENT_ADDRESSED.exec(path) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? verified(bytes, { mediaType: '', digest, size }, { file }) : bytes;
}
