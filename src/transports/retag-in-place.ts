/**
 * New names for what an archive or layout holds, without moving a layer: only the documents that say the names are
 * written anew. In a layout that is `index.json`; in an archive it is the end of the file, see `archive/tail.ts`.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { AirferryError, systemCode } from '../errors.ts';
import { ReadFile, unreadable } from '../support/file.ts';
import { withFileLock } from '../support/file-lock.ts';
import { indexTar, type TarEntry } from '../tar/index.ts';
import { changeInPlace, changeLock, finishChange, type Write } from './archive/journal.ts';
import { findTail, formatTail, noTail, REPOSITORIES, type TailFile } from './archive/tail.ts';
import { changesNames, type NameChange, type NameRequest, planNames, Renames } from './names.ts';
import { LayoutFolder } from './oci/folder.ts';
import { formatIndexJson, parseIndexJson } from './oci/index-json.ts';
import { openImageSource } from './open.ts';
import { contentsByConfig, renameIndex, renameManifestJson } from './rename-documents.ts';
import type { Inventory } from './source.ts';

export interface RetagOptions {
  /** Find out what would become of each name, and stop. */
  dryRun?: boolean;
  signal?: AbortSignal;
}

export interface Retagged {
  /** `oci-archive:saved.tar` */
  source: string;
  changes: NameChange[];
  /** False where every name was as asked already, and in a dry run. */
  changed: boolean;
}

/** What a kind of archive has besides the documents that all have. */
export interface ArchiveKind {
  /** Paths at the end of the archive that are documents of this kind. */
  others(file: ReadFile, entries: readonly TarEntry[]): string[];
  /** Bring those in line with the other documents, which have their new names already; and what lies further ahead. */
  follow(files: TailFile[], renames: Renames): Promise<{ files: TailFile[]; writes: Write[] }>;
}

/**
 * Change names in an archive or a layout folder. Throws IMAGE_NOT_FOUND, RULE_INVALID, RULE_COLLISION; FILE_UNWRITABLE
 * with the command that copies instead, for read-only media and archives that cannot be changed where they are.
 */
export async function retagInPlace(
  path: string,
  request: NameRequest,
  options: RetagOptions = {},
): Promise<Retagged> {
  return isFolder(path) ? retagLayout(path, request, options) : retagArchive(path, request, options);
}

async function retagLayout(path: string, request: NameRequest, options: RetagOptions): Promise<Retagged> {
  const { source, changes } = await plan(path, request);
  if (options.dryRun || !changesNames(changes)) return { source, changes, changed: false };
  assertWritable(path);
  const folder = await LayoutFolder.open(path);
  const renames = new Renames(changes);
  await folder.changeIndex(index => renameIndex(index, renames), options.signal);
  return { source, changes, changed: true };
}

/** The same for an archive of a kind that has documents of its own. */
export async function retagArchive(
  path: string,
  request: NameRequest,
  { dryRun = false, signal }: RetagOptions,
  kind?: ArchiveKind,
): Promise<Retagged> {
  finishChange(path);
  const change = async (): Promise<Retagged> => {
    const { source, changes, inventory } = await plan(path, request);
    const writes = await newTail(path, new Renames(changes), inventory, kind);
    const changed = !dryRun && changesNames(changes);
    if (changed) changeInPlace(path, writes);
    return { source, changes, changed };
  };
  if (dryRun) return change();
  assertWritable(path);
  return withFileLock(changeLock(path), change, { ...(signal && { signal }) });
}

async function plan(
  path: string,
  request: NameRequest,
): Promise<{ source: string; changes: NameChange[]; inventory: Inventory }> {
  const source = await openImageSource(path);
  try {
    if (source.access === 'sequential') throw compressed(path);
    const inventory = await source.inventory();
    const changes = planNames(inventory, request, source.description);
    return { source: source.description, changes, inventory };
  } finally {
    await source.close();
  }
}

/** What is to be written into an archive, the last of it up to its new end. */
async function newTail(
  path: string,
  renames: Renames,
  inventory: Inventory,
  kind?: ArchiveKind,
): Promise<Write[]> {
  const file = ReadFile.open(path);
  try {
    const entries = indexTar(file);
    const tail = findTail(file, entries, kind?.others(file, entries));
    if (!tail) throw noTail(path);
    const contents = contentsByConfig(inventory);
    const renamed = tail.files
      .filter(one => one.path !== REPOSITORIES)
      .map((one): TailFile => {
        if (one.path === 'index.json')
          return { ...one, bytes: formatIndexJson(renameIndex(parseIndexJson(one.bytes, path), renames)) };
        if (one.path === 'manifest.json')
          return { ...one, bytes: renameManifestJson(one.bytes, renames, contents) };
        return one;
      });
    const { files, writes } = (await kind?.follow(renamed, renames)) ?? { files: renamed, writes: [] };
    return [...writes, { offset: tail.start, bytes: await formatTail(files) }];
  } finally {
    file.close();
  }
}

function assertWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch (cause) {
    const why = systemCode(cause) === 'EROFS' ? 'the disk is read-only' : 'permission denied';
    throw new AirferryError('FILE_UNWRITABLE', `the names in ${path} cannot be changed: ${why}`, {
      where: { file: path },
      cause,
      suggestions: [copyInstead(path)],
    });
  }
}

function compressed(path: string): AirferryError {
  return new AirferryError(
    'FILE_UNWRITABLE',
    `the names in ${path} cannot be changed where they are: it is compressed as a whole`,
    { where: { file: path }, suggestions: ['Decompress it first (gunzip, zstd -d).', copyInstead(path)] },
  );
}

function copyInstead(path: string): string {
  return `Copy it under other names: airferry image copy ${path} docker-archive:NEW.tar --retag PATTERN=REPLACEMENT`;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
