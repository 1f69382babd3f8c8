/** Links in a docker-archive: `docker save` before 25 writes a layer that two images share once, and links to it. */
import { posix } from 'node:path';
import { safePath, type TarHeader } from '../../tar/header.ts';

const DEPTH_LIMIT = 8;

export class Links {
  readonly #targets = new Map<string, string>();

  /** Remember a symbolic or hard link; one that leads out of the archive is forgotten, and so never resolves. */
  add(path: string, header: TarHeader): void {
    const from = header.type === 'symlink' ? posix.dirname(path) : '';
    const target = header.linkname.startsWith('/')
      ? undefined
      : safePath(posix.normalize(posix.join(from, header.linkname)));
    if (target) this.#targets.set(path, target);
  }

  /** The path of the real file behind a path; a loop of links ends at some link, which is then no file. */
  resolve(path: string): string {
    let at = path;
    for (let depth = 0; depth < DEPTH_LIMIT; depth++) {
      const target = this.#targets.get(at);
      if (target === undefined) return at;
      at = target;
    }
    return at;
  }
}
