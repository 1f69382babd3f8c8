/** Sizes and ages as an operator writes them in flags. */
import { AirferryError } from '../errors.ts';

const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1000,
  m: 1000 ** 2,
  g: 1000 ** 3,
  t: 1000 ** 4,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
};
const MINUTE = 60_000;
const AGES: Readonly<Record<string, number>> = {
  m: MINUTE,
  h: 60 * MINUTE,
  d: 24 * 60 * MINUTE,
  w: 7 * 24 * 60 * MINUTE,
};

/** `20GB`, `500MiB`, in bytes. Throws USAGE. */
export function parseSize(text: string, flag: string): number {
  const [, digits = '', unit = ''] =
    /^([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([kmgt]i?)?b?$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(digits || Number.NaN) * (SIZES[unit.toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new AirferryError('USAGE', `${flag} ${text} is no size`, {
    suggestions: ['Write a number with a unit, as 500MB or 20GB.'],
  });
}

/** `12h`, `30d`, `8w`, in milliseconds. Throws USAGE. */
export function parseAge(text: string, flag: string): number {
  const [, digits, unit = ''] = /^([0-9]{1,6})([mhdw])$/.exec(text.trim()) ?? [];
  if (digits !== undefined) return Number(digits) * (AGES[unit] ?? Number.NaN);
  throw new AirferryError('USAGE', `${flag} ${text} is no age`, {
    suggestions: ['Write a number with a unit, as 12h, 30d or 8w.'],
  });
}
