/**
 * Archives to write images into. `docker-archive:` is for `docker load` of every engine and both of its image stores, and
 * is an OCI archive besides; `oci-archive:` has nothing but what OCI says, so that no tool can take it for another thing.
 */
import { stat } from 'node:fs/promises';
import type { Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import { PendingFile } from '../../support/write-file.ts';
import type { OpenedTarget } from '../target.ts';
import { ArchiveWriter } from './writer.ts';

export interface ArchiveTargetOptions {
  /** Replace a file that is there, once the new one is whole. Default: refuse. */
  overwrite?: boolean;
  /** How the operator wrote a name, where the location gave it. */
  written?(name: Reference): string | undefined;
  /** Blobs of known size under way at once. Default 1. */
  concurrency?: number;
  signal?: AbortSignal;
}

/** Begin an archive; nothing stands under its name before `commit`. Throws FILE_UNWRITABLE. */
export async function openArchiveTarget(
  format: 'docker-archive' | 'oci-archive',
  path: string,
  { overwrite = false, ...options }: ArchiveTargetOptions = {},
): Promise<OpenedTarget> {
  const file = await beginArchive(path, overwrite);
  const writer = new ImageArchive(file, { ...options, description: `${format}:${path}` });
  return {
    target: writer,
    async commit() {
      await writer.finish(format === 'docker-archive');
      await file.commit();
    },
    discard: () => file.discard(),
  };
}

/** Begin a file for an archive. Throws FILE_UNWRITABLE where one is there and is not to be replaced. */
export async function beginArchive(path: string, overwrite: boolean): Promise<PendingFile> {
  const there = await stat(path).catch(() => undefined);
  const refused = (why: string, suggestion: string): AirferryError =>
    new AirferryError('FILE_UNWRITABLE', `${path} was not written: ${why}`, {
      where: { file: path },
      suggestions: [suggestion],
    });
  if (there?.isDirectory()) throw refused('it is a folder', `For an OCI layout write oci:${path}.`);
  if (there && !there.isFile()) throw refused('it is no regular file', 'Choose the path of a file.');
  if (there && !overwrite)
    throw refused('there is a file of that name', 'Choose another path, or replace it with --force.');
  return PendingFile.create(path);
}

class ImageArchive extends ArchiveWriter {
  /** Write the documents and the end; the file is whole then. */
  async finish(forDocker: boolean): Promise<void> {
    await this.writeLayout();
    if (forDocker) await this.writeManifestJson();
    await this.end();
  }
}
