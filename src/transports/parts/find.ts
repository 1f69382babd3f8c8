/** Finding the parts of a file, in any order, in several folders, under any name: what counts is what they say of themselves. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Digest } from '../../content/digest.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { ReadFile, unreadable } from '../../support/file.ts';
import {
  describePart,
  isPart,
  numberOf,
  PART_HEADER,
  type PartHeader,
  parsePartHeader,
  wholeName,
} from './header.ts';
import type { Part } from './joined.ts';

/** A file that has the name of a part, but cannot be used as one. */
export interface BadPart {
  path: string;
  why: string;
}

/** All that was found of one cut. */
export interface PartSet {
  /** What the operator named. */
  path: string;
  /** Any of its headers: for what they have in common. */
  header: PartHeader;
  /** In order, parity last; each once. */
  found: Part[];
  /** Numbers of those that were not. */
  missing: PartHeader['part'][];
  /** Folders that were searched. */
  folders: string[];
  /** Files with names of parts that are damaged, cut short, or of something else. */
  others: BadPart[];
}

/**
 * Find the parts that belong together with a file, or that make up a whole of that name. Undefined where the file is no
 * part, and where there is neither a file nor a part of that name. Throws BUNDLE_CORRUPT for a part whose header is damaged,
 * BUNDLE_INVALID for parts of several cuts of which none is meant more than the others.
 */
export function findParts(path: string, folders: readonly string[] = []): PartSet | undefined {
  const beside = dirname(path);
  const searched = [
    ...new Set([...(existsSync(beside) ? [beside] : []), ...folders].map(each => resolve(each))),
  ];
  const named = headerOf(path);
  if (named === 'no part') return damagedHead(path, searched);
  const seen = searched.flatMap(folder => look(folder));
  const whole = named ? undefined : basename(path);
  const header =
    named ??
    chooseSet(
      path,
      seen.filter(({ path: file }) => wholeName(basename(file)) === whole),
    );
  return header && collect(path, header, seen, searched);
}

interface Seen {
  path: string;
  header?: PartHeader;
  /** Bytes of the file. */
  size: number;
  why?: string;
}

/** The header of the file itself. Throws what is wrong with it. */
function headerOf(path: string): PartHeader | 'no part' | undefined {
  let file: ReadFile;
  try {
    file = ReadFile.open(path);
  } catch (error) {
    if (isAirferryError(error, 'FILE_NOT_FOUND')) return undefined;
    throw error;
  }
  try {
    const head = file.readAt(0, PART_HEADER);
    return isPart(head) ? parsePartHeader(head, path) : 'no part';
  } finally {
    file.close();
  }
}

/** A file beside parts that has the name of one is one whose very first bytes are damaged. */
function damagedHead(path: string, folders: readonly string[]): undefined {
  const whole = wholeName(basename(path));
  if (whole === undefined) return undefined;
  const siblings = look(folders[0] ?? '.').filter(
    ({ path: file, header }) => header && wholeName(basename(file)) === whole,
  );
  if (siblings.length > 0) parsePartHeader(new Uint8Array(), path);
  return undefined;
}

function look(folder: string): Seen[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter(name => wholeName(name) !== undefined);
  } catch (cause) {
    throw unreadable(folder, cause, 'folder');
  }
  return names.sort().flatMap((name): Seen[] => {
    const path = join(folder, name);
    try {
      const file = ReadFile.open(path);
      try {
        const head = file.readAt(0, PART_HEADER);
        return [{ path, size: file.size, header: parsePartHeader(head, path) }];
      } finally {
        file.close();
      }
    } catch (error) {
      if (!(error instanceof AirferryError)) throw error;
      return [{ path, size: 0, why: error.message }];
    }
  });
}

/** Several cuts under one name: that which is there as a whole, if there is just one. */
function chooseSet(path: string, seen: readonly Seen[]): PartHeader | undefined {
  const sets = new Map<Digest, PartHeader[]>();
  for (const { header } of seen) if (header) sets.set(header.set, [...(sets.get(header.set) ?? []), header]);
  const all = [...sets.values()];
  if (all.length <= 1) return all[0]?.[0];
  const whole = all.filter(
    headers =>
      new Set(headers.filter(({ part }) => part !== 'parity').map(({ part }) => part)).size ===
      headers[0]?.of,
  );
  if (whole.length === 1) return whole[0]?.[0];
  const list = seen.flatMap(({ path: file, header }) => (header ? [`${file} is ${describe(header)}`] : []));
  throw new AirferryError('BUNDLE_INVALID', `parts of ${all.length} different bundles are named ${path}`, {
    where: { file: path },
    suggestions: [...list, 'Name a part of the one that is meant.'],
  });
}

function collect(path: string, header: PartHeader, seen: readonly Seen[], folders: string[]): PartSet {
  const found = new Map<number, Part>();
  const others: BadPart[] = [];
  for (const { path: file, header: its, size, why } of seen) {
    if (its?.set === header.set && size === PART_HEADER + its.size) {
      if (!found.has(numberOf(its))) found.set(numberOf(its), { path: file, header: its });
    } else if (its?.set === header.set) {
      others.push({
        path: file,
        why: `${describePart(its)} has ${size} bytes instead of ${PART_HEADER + its.size}`,
      });
    } else if (its) others.push({ path: file, why: `it is ${describe(its)}` });
    else others.push({ path: file, why: why ?? '' });
  }
  const wanted: PartHeader['part'][] = Array.from({ length: header.of }, (_, i) => i + 1);
  if (header.parity) wanted.push('parity');
  return {
    path,
    header,
    found: [...found].sort(([a], [b]) => a - b).map(([, part]) => part),
    missing: wanted.filter(part => !found.has(numberOf({ part }))),
    folders,
    others,
  };
}

function describe(header: PartHeader): string {
  const { name, version, digest } = header.bundle;
  return `${describePart(header)} of ${name} ${version} (${digest.slice(0, 19)})`;
}
