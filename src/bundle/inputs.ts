/** Where the parts of a bundle come from: files of the operator, and downloads whose digest the recipe or lock pins. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Lock } from '../config/lock.ts';
import type { Position } from '../config/problem.ts';
import type { Source } from '../config/sources.ts';
import type { Digest } from '../content/digest.ts';
import { AirferryError, isAirferryError, type Where } from '../errors.ts';
import { ReadFile, unreadable } from '../support/file.ts';
import type { Meter } from '../support/meter.ts';
import { download } from './download.ts';

type Bytes = AsyncIterable<Uint8Array>;

/** One input, to be read once. */
export interface Input {
  /** What messages call it. */
  name: string;
  open(): Bytes;
}

export interface InputContext {
  meter: Meter;
  lock: Lock;
  signal?: AbortSignal;
}

/** Open what a recipe's source names; `published` gives the publisher's address for it. */
export function openInput(
  source: Source,
  published: (platform: string) => string,
  context: InputContext,
): Input {
  if (source.kind === 'file') return fileInput(source.path, context.meter);
  const url = source.kind === 'url' ? source.url : published(source.platform);
  const pinned = source.kind === 'url' ? (source.digest as Digest) : context.lock.digestOf(url);
  return {
    name: basename(new URL(url).pathname),
    open: () => download(url, { pinned, learn: digest => context.lock.pin(url, digest), ...context }),
  };
}

/** A file of the operator. Throws FILE_NOT_FOUND or FILE_UNREADABLE when opened. */
export function fileInput(path: string, meter: Meter): Input {
  return {
    name: path,
    async *open() {
      const file = ReadFile.open(path);
      try {
        yield* meter.count(file.stream(), { reached: 0 });
      } finally {
        file.close();
      }
    },
  };
}

/** The size of a file in bytes, for the meter. Throws FILE_NOT_FOUND or FILE_UNREADABLE. */
export function fileSize(path: string): number {
  try {
    return statSync(path).size;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Run work on an item of a recipe, so that its errors point at the line that asked for it. */
export async function inRecipe<T>(
  recipe: { file: string },
  at: Position,
  work: () => Promise<T> | T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AirferryError)) throw error;
    // A full disk or an interruption is not the item's fault.
    if (isAirferryError(error, 'DISK_FULL', 'FILE_UNWRITABLE', 'INTERRUPTED', 'INTERNAL')) throw error;
    const { code, message, suggestions, cause, where } = error;
    throw new AirferryError(code, message, {
      suggestions,
      cause,
      where: { ...(where as Where), file: recipe.file, ...at },
    });
  }
}
