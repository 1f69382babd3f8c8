/**
 * An archive that passes from front to back: a file that is compressed as a whole, or what an engine saves.
 *
 * `manifest.json` comes last in it, so what an entry is must be told from its own first bytes: documents are small
 * JSON and are kept; a tar, plain or compressed, is a layer and is handed out while it passes. Only at the end is it
 * known which images the archive holds.
 */
import type { Descriptor } from '../../content/descriptor.ts';
import { layerMediaType, sniffCompression } from '../../content/media-types.ts';
import { verified } from '../../content/verified.ts';
import { peek } from '../../support/peek.ts';
import { safePath } from '../../tar/header.ts';
import { type WalkedEntry, walkTar } from '../../tar/walk.ts';
import { digestAt } from '../oci/file-store.ts';
import type { Bytes, SourceLayer } from '../source.ts';
import type { Seen } from './seen.ts';

export interface PassingOptions {
  /** For messages. */
  path: string;
  /** The uncompressed archive, from its beginning. */
  open(): Bytes;
  seen: Seen;
  /** Plain layers that are named by their digest are meant to stay plain, too: their manifests come along. */
  keepPlain?: boolean;
}

/**
 * The layers of an archive in its order, each to be opened before the next is asked for; opened later or again, it is
 * searched for from the beginning. `bytes` is the archive, as `open` gives it. What `seen` has is whole at the end.
 * Throws ARCHIVE_INVALID, ARCHIVE_TRUNCATED; DIGEST_MISMATCH for an entry that is not what its name says.
 */
export async function* passingLayers(bytes: Bytes, options: PassingOptions): AsyncGenerator<SourceLayer> {
  const { path: archive, seen } = options;
  for await (const { header, body, path } of entries(bytes, archive)) {
    if (header.type === 'symlink' || header.type === 'link') seen.links.add(path, header);
    if (header.type !== 'file' || header.size === 0) continue;
    const { head, whole } = await peek(body, 512);
    const kind = await seen.judge(path, header.size, head, whole);
    if (!kind) continue;
    const compression = sniffCompression(head);
    const named = descriptorOf(path, header.size, layerMediaType(compression));
    let passing: Bytes | undefined = whole;
    const open = (): Bytes => {
      const opened = passing ?? again(path, options);
      passing = undefined;
      return named ? verified(opened, named, { file: archive }) : opened;
    };
    const stays = kind === 'blob' || compression !== 'none' || options.keepPlain;
    const kept = named && stays ? { descriptor: named } : {};
    yield { key: path, size: header.size, compression, ...kept, open };
  }
  yield* await seen.jsonLayers();
}

/** A layer that has passed already, for who needs it once more: the archive is gone through from its beginning. */
async function* again(wanted: string, { path: archive, open }: PassingOptions): AsyncGenerator<Uint8Array> {
  for await (const { header, body, path } of entries(open(), archive)) {
    if (path !== wanted || header.type !== 'file') continue;
    yield* body;
    return;
  }
}

async function* entries(bytes: Bytes, archive: string): AsyncGenerator<WalkedEntry & { path: string }> {
  for await (const { header, body } of walkTar(bytes, archive)) {
    const path = safePath(header.name);
    if (path) yield { header, body, path };
  }
}

/** An entry that is named by its digest has to have it. */
function descriptorOf(path: string, size: number, mediaType: string): Descriptor | undefined {
  const digest = digestAt(path);
  return digest && { mediaType, digest, size };
}
