/** Leaving layers out of an archive while it passes: an engine that has them need not be sent them. */
import { MANIFEST_LIMIT } from '../../content/manifest.ts';
import { readAll } from '../../content/verified.ts';
import { safePath } from '../../tar/header.ts';
import { walkTar } from '../../tar/walk.ts';
import { END_OF_ARCHIVE, fileHeader, linkHeader, padding } from '../../tar/write.ts';
import type { Bytes } from '../source.ts';

export interface ThinOptions {
  /** For messages. */
  path: string;
  /** Whether the file of a layer stays out. `documentAt` gives the small files that came before it. */
  leaveOut(path: string, documentAt: (path: string) => Uint8Array | undefined): boolean;
  /** Shown the first bytes of each file that goes; what it throws ends the archive. */
  look?: (path: string, head: Uint8Array) => void;
  /** Told of each layer that is left out, with its bytes. */
  onLeftOut?: (bytes: number) => void;
}

/** Beside a layer of an older `docker save` lies a small file that tells which one it is. */
const TELLING = /\/json$/;
/** The longest name that a plain header takes; what `docker save` writes is shorter. */
const NAME_LIMIT = 100;

/**
 * An archive of `docker save` without some of its layers. What else is in it comes through as it is, but for folders,
 * which engines make where they need them. Throws ARCHIVE_INVALID, ARCHIVE_TRUNCATED.
 */
export async function* thinned(bytes: Bytes, options: ThinOptions): AsyncGenerator<Uint8Array> {
  const documents = new Map<string, Uint8Array>();
  for await (const { header, body } of walkTar(bytes, options.path)) {
    const path = safePath(header.name);
    if (!path || path.length > NAME_LIMIT) continue;
    if (header.type === 'symlink' && header.linkname.length <= NAME_LIMIT)
      yield await linkHeader(path, header.linkname);
    if (header.type !== 'file') continue;
    if (TELLING.test(path) && header.size <= MANIFEST_LIMIT) {
      const document = (await readAll(body, header.size)) ?? new Uint8Array();
      documents.set(path, document);
      yield await fileHeader(path, document.length);
      yield document;
      yield padding(document.length);
    } else if (options.leaveOut(path, wanted => documents.get(wanted))) {
      options.onLeftOut?.(header.size);
    } else {
      yield await fileHeader(path, header.size);
      let shown = false;
      for await (const chunk of body) {
        if (!shown) options.look?.(path, chunk);
        shown = true;
        yield chunk;
      }
      yield padding(header.size);
    }
  }
  yield END_OF_ARCHIVE;
}
