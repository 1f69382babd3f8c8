/**
 * Files on a host: what it takes for each to be there with the right content and mode. What an operator had in its place
 * is kept first, once, and comes back at uninstall; what somebody changed since we wrote it is kept beside it.
 */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { AirferryError } from '../errors.ts';
import { type WholeFile, writeFiles } from '../host/files.ts';
import { quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import type { InstalledFile } from '../host/state.ts';
import { mapLimit } from '../support/limit.ts';
import type { BareContext } from './phase.ts';
import type { PathState } from './survey.ts';

/** Where files are kept that were there before ours. */
export const REPLACED_DIR = '/var/lib/airferry/replaced';
/** What is added to the name of a file that somebody changed after us. */
export const SAVED_SUFFIX = '.airferry-saved';
const AT_ONCE = 6;
/** What one command writes at most: files, bytes of content, and characters of their paths, which its script repeats. */
const MOST = { files: 50, size: 1024 * 1024, characters: 4_000 };

interface FileAsked {
  path: string;
  /** `0644` */
  mode: string;
  /** Hex. */
  sha256: string;
}

/** Its content is read here and written there, many files by one command. */
interface FileAtHand extends FileAsked {
  /** Bytes. */
  size: number;
  read(): Promise<Uint8Array>;
}

/** It gets there in a way of its own. */
interface FileBrought extends FileAsked {
  write(shell: Shell): Promise<void>;
}

export type DesiredFile = FileAtHand | FileBrought;

export interface FilePlan {
  /** One line for each file that is to be written. */
  changes: string[];
  files: InstalledFile[];
  run(): Promise<void>;
}

/** A file whose content is at hand. */
export function textFile(path: string, content: string, mode = '0644'): DesiredFile {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { path, mode, sha256, size: bytes.length, read: async () => bytes };
}

/** Every folder above a path, the topmost first, without the root. */
export function foldersAbove(path: string): string[] {
  const parts = posix.dirname(path).split('/').slice(1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`).filter(folder => folder !== '/');
}

/** Where the operator's file at a path is kept. */
export function replacedPath(path: string): string {
  const id = createHash('sha256').update(path).digest('hex').slice(0, 12);
  return `${REPLACED_DIR}/${id}-${posix.basename(path).slice(0, 100)}`;
}

/** Plan the files of one phase. Throws HOST_PREFLIGHT for a path on which a folder or a device lies. */
export function planFiles(context: BareContext, desired: readonly DesiredFile[]): FilePlan {
  const { survey, state, shell } = context;
  const steps = desired.flatMap(file => {
    const now = survey.paths.get(file.path) ?? { kind: 'absent' };
    const recorded = state.files.find(({ path, kind }) => path === file.path && kind === 'file');
    const step = planFile(file, now, recorded, survey.paths);
    return step ? [step] : [];
  });
  return {
    changes: steps.map(step => step.change),
    files: [
      ...newFolders(
        context,
        steps.map(step => step.file.path),
      ),
      ...steps.map(step => step.entry),
    ],
    async run() {
      await keepOriginals(
        shell,
        steps.flatMap(step => step.keep),
      );
      const files = steps.map(step => step.file);
      const batches = batched(files.filter(file => 'read' in file));
      await mapLimit(batches, AT_ONCE, batch => writeBatch(shell, batch));
      await mapLimit(
        files.filter(file => 'write' in file),
        AT_ONCE,
        file => file.write(shell),
      );
    },
  };
}

/** In their order, as many at a time as one command may write. */
function batched(files: readonly FileAtHand[]): FileAtHand[][] {
  const batches: FileAtHand[][] = [];
  let [size, characters] = [0, 0];
  for (const file of files) {
    size += file.size;
    characters += file.path.length;
    const batch = batches.at(-1);
    if (batch && batch.length < MOST.files && size <= MOST.size && characters <= MOST.characters)
      batch.push(file);
    else {
      batches.push([file]);
      [size, characters] = [file.size, file.path.length];
    }
  }
  return batches;
}

async function writeBatch(shell: Shell, batch: readonly FileAtHand[]): Promise<void> {
  const files: WholeFile[] = [];
  for (const { path, mode, read } of batch)
    files.push({ path, content: await read(), mode: Number.parseInt(mode, 8) });
  await writeFiles(shell, files, { owner: 'root:root', parents: true });
}

interface Step {
  file: DesiredFile;
  entry: InstalledFile;
  change: string;
  /** Copies to be made first. */
  keep: { from: string; to: string; once: boolean }[];
}

function planFile(
  file: DesiredFile,
  now: PathState,
  recorded: InstalledFile | undefined,
  paths: ReadonlyMap<string, PathState>,
): Step | undefined {
  const { path, mode, sha256 } = file;
  const right = now.kind === 'file' && now.sha256 === sha256 && now.mode === mode;
  const known = recorded?.sha256 === sha256 && recorded.mode === mode;
  // A file that was right before we came is not ours; one that we recorded differently is.
  if (right && (known || !recorded)) return undefined;
  if (now.kind === 'dir' || now.kind === 'other') throw inTheWay(path, now.kind);
  const entry: InstalledFile = { path, kind: 'file', sha256, mode };
  const plain = (change: string): Step => ({ file, entry, change, keep: [] });
  const keepFirst = (to: string): Step => ({
    file,
    entry: { ...entry, replaced: to },
    change: `replace ${path}; what was there is kept`,
    keep: [{ from: path, to, once: true }],
  });
  const to = recorded?.replaced;
  if (now.kind === 'absent')
    return to ? { ...plain(`write ${path}`), entry: { ...entry, replaced: to } } : plain(`write ${path}`);
  if (!recorded) return keepFirst(replacedPath(path));
  // Recorded but not yet kept: an earlier run was interrupted in between, and this is still the original.
  if (to && (paths.get(to)?.kind ?? 'absent') === 'absent') return keepFirst(to);
  const ours = now.kind === 'file' && [recorded.sha256, recorded.before].includes(now.sha256);
  const step: Step = {
    ...plain(`write ${path}`),
    entry: {
      ...entry,
      ...(to ? { replaced: to } : {}),
      ...(ours && now.sha256 !== sha256 ? { before: now.sha256 } : {}),
    },
  };
  if (right || ours) return step;
  const saved = `${path}${SAVED_SUFFIX}`;
  return {
    ...step,
    change: `write ${path}; somebody changed it, and that is kept as ${saved}`,
    keep: [{ from: path, to: saved, once: false }],
  };
}

/** Folders that have to be made for these paths, and are ours then. */
export function newFolders(
  { survey }: Pick<BareContext, 'survey'>,
  paths: readonly string[],
): InstalledFile[] {
  const missing = new Set(
    paths.flatMap(foldersAbove).filter(path => survey.paths.get(path)?.kind === 'absent'),
  );
  return [...missing].map(path => ({ path, kind: 'dir' }));
}

async function keepOriginals(shell: Shell, copies: Step['keep']): Promise<void> {
  if (copies.length === 0) return;
  const lines = copies.map(
    ({ from, to, once }) => `keep ${quote(from)} ${quote(to)} ${once ? 'once' : 'anew'}`,
  );
  const script = `set -e
mkdir -p -m 0700 -- ${quote(REPLACED_DIR)}
keep() {
  if [ "$3" = once ] && { [ -e "$2" ] || [ -L "$2" ]; }; then return 0; fi
  rm -rf -- "$2.part"
  cp -a -- "$1" "$2.part"
  mv -f -T -- "$2.part" "$2"
}
${lines.join('\n')}`;
  await shell.run(script, { root: true, title: 'keep the files that are replaced' });
}

function inTheWay(path: string, kind: 'dir' | 'other'): AirferryError {
  const what = kind === 'dir' ? 'a folder' : 'a device or socket';
  return new AirferryError('HOST_PREFLIGHT', `${path} is ${what}, where a file has to go`, {
    where: { file: path },
    suggestions: ['Move it aside on the host, or change the path in the recipe.'],
  });
}
