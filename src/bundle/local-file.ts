/** Files of the operator, as inputs of a bundle. */
import { statSync } from 'node:fs';
import { ReadFile, unreadable } from '../support/file.ts';
import type { Meter } from '../support/meter.ts';

/** One input, to be read once. */
export interface Input {
  /** What messages call it. */
  name: string;
  open(): AsyncIterable<Uint8Array>;
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
