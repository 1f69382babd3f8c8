/** Opening what may be one file or may be in parts. */
import { AirferryError, type ErrorCode } from '../../errors.ts';
import { type ReadableFile, ReadFile } from '../../support/file.ts';
import { plural } from '../../support/format.ts';
import { findParts, type PartSet } from './find.ts';
import type { PartHeader } from './header.ts';
import { JoinedFile, type Part } from './joined.ts';

/**
 * Open a file; a part of one, or the name that parts have in common, stands for all of them. They are looked for beside it and
 * in `folders`. Throws FILE_NOT_FOUND, FILE_UNREADABLE, BUNDLE_PARTS_MISSING, BUNDLE_CORRUPT for a part that is damaged or cut
 * short, BUNDLE_INVALID for parts that do not fit together.
 */
export function openWhole(path: string, folders: readonly string[] = []): ReadableFile {
  const set = findParts(path, folders);
  if (!set) return ReadFile.open(path);
  const missing = set.missing.filter(part => part !== 'parity');
  if (missing.length > 0) throw incomplete(set, missing);
  const [first, ...rest] = set.found.filter(({ header }) => header.part !== 'parity');
  if (!first || !fits([first, ...rest])) throw misfit(set);
  return new JoinedFile(path, [first, ...rest]);
}

/** Throws FILE_UNWRITABLE for a file that is in parts: it is not changed where it lies. */
export function assertOneFile(file: ReadableFile): void {
  if (!(file instanceof JoinedFile)) return;
  throw new AirferryError(
    'FILE_UNWRITABLE',
    `${file.path} is in ${plural(file.parts.length, 'part')}, which are never changed`,
    {
      where: { file: file.path },
      suggestions: ['Change the bundle first, then cut it: airferry bundle split BUNDLE --part-size SIZE'],
    },
  );
}

/** The error for parts that were not found, damaged ones among them. */
export function incomplete(set: PartSet, missing: readonly PartHeader['part'][]): AirferryError {
  const { name, version } = set.header.bundle;
  const damaged = set.others.filter(({ why }) => !why.startsWith('it is '));
  const code: ErrorCode =
    damaged.length > 0 && damaged.length >= missing.length ? 'BUNDLE_CORRUPT' : 'BUNDLE_PARTS_MISSING';
  const [first] = damaged;
  const message =
    code === 'BUNDLE_CORRUPT' && first
      ? `${first.path} cannot be used: ${first.why}`
      : `${name} ${version} is in ${plural(set.header.of, 'part')}, and ${listed(missing)} ${missing.length === 1 ? 'is' : 'are'} missing`;
  const parity = set.found.some(({ header }) => header.part === 'parity');
  return new AirferryError(code, message, {
    where: { file: code === 'BUNDLE_CORRUPT' && first ? first.path : set.path },
    suggestions: [
      `Looked in ${set.folders.join(', ')}. Where there are more media, name their folders: --parts DIR.`,
      ...set.others.slice(0, 10).map(({ path, why }) => `${path}: ${why}`),
      ...(parity && missing.length === 1
        ? [`The parity part is there: airferry bundle repair ${set.path} makes it anew.`]
        : []),
    ],
  });
}

/** Each begins where the one before ends, and all but the last have one size. */
function fits(parts: readonly [Part, ...Part[]]): boolean {
  const [{ header: first }] = parts;
  let at = 0;
  for (const [i, { header }] of parts.entries()) {
    if (header.start !== at || (i < parts.length - 1 && (header.size !== first.size || header.size === 0)))
      return false;
    at += header.size;
  }
  return at === first.total && parts.every(({ header }) => header.total === first.total);
}

function misfit(set: PartSet): AirferryError {
  return new AirferryError('BUNDLE_INVALID', `the parts of ${set.path} do not fit together`, {
    where: { file: set.path },
    suggestions: ['Whoever wrote them was not airferry. Do not use them.'],
  });
}

/** `part 3`, `parts 3 and 7`. */
function listed(parts: readonly PartHeader['part'][]): string {
  const last = parts.at(-1);
  return parts.length === 1 ? `part ${last}` : `parts ${parts.slice(0, -1).join(', ')} and ${last}`;
}
