/** The end of an archive where its documents lie, and which can be written anew without moving a layer. */
import { AirferryError } from '../../errors.ts';
import type { ReadableFile } from '../../support/file.ts';
import { paddedSize, safePath } from '../../tar/header.ts';
import type { TarEntry } from '../../tar/index.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../tar/write.ts';

/** A file at the end of an archive. */
export interface TailFile {
  /** As the archive has it. */
  name: string;
  /** Without `./` before it. */
  path: string;
  bytes: Uint8Array;
}

export interface Tail {
  /** Where it begins, in bytes from the start of the archive. */
  start: number;
  files: TailFile[];
}

/** Documents that name images: what changes with a name. */
const NAMING = ['index.json', 'manifest.json'];
/** The older format's list of names; engines since 1.10 do not read it where there is a `manifest.json`. */
export const REPOSITORIES = 'repositories';
const DOCUMENTS = [...NAMING, 'oci-layout', REPOSITORIES];
const DOCUMENT_LIMIT = 32 * 1024 * 1024;

/**
 * The end of an archive from its first naming document on; undefined where something else follows that, as a layer does
 * in archives of some writers. `others` are paths that may be there besides.
 */
export function findTail(
  file: ReadableFile,
  entries: readonly TarEntry[],
  others: readonly string[] = [],
): Tail | undefined {
  const first = entries.findIndex(
    ({ name, type }) => type === 'file' && NAMING.includes(safePath(name) ?? ''),
  );
  const before = entries[first - 1];
  if (first < 0) return undefined;
  const files: TailFile[] = [];
  for (const { name, type, offset, size } of entries.slice(first)) {
    const path = safePath(name) ?? '';
    if (type !== 'file' || size > DOCUMENT_LIMIT || ![...DOCUMENTS, ...others].includes(path))
      return undefined;
    files.push({ name, path, bytes: file.readAt(offset, size) });
  }
  return { start: before ? before.offset + paddedSize(before.size) : 0, files };
}

/** The bytes of a tail, with the end of the archive. */
export async function formatTail(files: readonly TailFile[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { name, bytes } of files)
    parts.push(await fileHeader(name, bytes.length), bytes, padding(bytes.length));
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** The error for an archive whose documents do not lie at its end. */
export function noTail(path: string): AirferryError {
  return new AirferryError(
    'FILE_UNWRITABLE',
    `the names in ${path} cannot be changed where they are: layers follow its documents`,
    {
      where: { file: path },
      suggestions: [
        `Copy it under other names: airferry image copy ${path} docker-archive:NEW.tar --retag PATTERN=REPLACEMENT`,
      ],
    },
  );
}
