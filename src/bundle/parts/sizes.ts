/** How large parts are, as an operator says it: `4GB`, `700MiB`, `dvd`. */
import { AirferryError } from '../../errors.ts';
import { LEAST_PART } from '../../transports/parts/pending.ts';

/** Bytes that a file may have on each medium, with room left for its file system. */
const MEDIA: Readonly<Record<string, number>> = {
  /** 80 minutes: 360,000 sectors of 2048 bytes. */
  cd: 730_000_000,
  /** One layer: 2,295,104 sectors. Files of this size need UDF, or ISO 9660 at level 3. */
  dvd: 4_690_000_000,
  /** A file may have one byte less than 4 GiB. */
  fat32: 4_294_963_200,
};

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1000,
  m: 1000 ** 2,
  g: 1000 ** 3,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
};

/** Read a size of parts, in bytes. Throws USAGE. */
export function parsePartSize(text: string): number {
  const word = text.trim().toLowerCase();
  const medium = MEDIA[word];
  if (medium !== undefined) return medium;
  const [, digits = '', unit = ''] = /^([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([kmg]i?)?b?$/.exec(word) ?? [];
  const bytes = Math.floor(Number(digits || Number.NaN) * (UNITS[unit] ?? Number.NaN));
  if (Number.isSafeInteger(bytes) && bytes >= LEAST_PART) return bytes;
  throw new AirferryError('USAGE', `"${text}" is no size for parts`, {
    suggestions: [
      `Write a number with a unit, as 4GB or 700MiB, or one of ${Object.keys(MEDIA).join(', ')}.`,
    ],
  });
}
