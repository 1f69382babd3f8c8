/** Ranges in names: `node[01:40].site` stands for forty of them. */

const RANGE = /\[(\d{1,9}):(\d{1,9})\]/g;

export type Range = { names: string[] } | { problem: string; suggestion?: string };

/** How many names a pattern stands for, without writing them out; 1 for a plain name. */
function count(pattern: string): number {
  return [...pattern.matchAll(RANGE)].reduce(
    (total, [, from, to]) => total * (Number(to) - Number(from) + 1),
    1,
  );
}

/**
 * The names that a pattern stands for, in order, the last range turning fastest. A number is padded with zeros to the
 * width of the range's beginning: `[01:12]` gives 01 to 12, `[8:12]` gives 8 to 12.
 * @param most more names than this are a problem
 */
export function expandRange(pattern: string, most: number): Range {
  const ranges = [...pattern.matchAll(RANGE)];
  const rest = pattern.replaceAll(RANGE, '');
  if (/[[\]]/.test(rest)) {
    const dashed = pattern.replace(/\[(\d{1,9})(?:-|\.\.)(\d{1,9})\]/g, '[$1:$2]');
    const meant = dashed !== pattern && !/[[\]]/.test(dashed.replaceAll(RANGE, ''));
    return {
      problem: 'has brackets that are not a range of numbers',
      suggestion: meant ? `Write \`${dashed}\`.` : 'A range is written [01:40].',
    };
  }
  const backwards = ranges.find(([, from, to]) => Number(from) > Number(to));
  if (backwards !== undefined)
    return { problem: `has the range ${backwards[0]}, which ends before it begins` };
  if (count(pattern) > most) return { problem: `stands for more than ${most} hosts` };
  let names = [''];
  let end = 0;
  for (const range of ranges) {
    const [whole, from = '', to = ''] = range;
    const before = pattern.slice(end, range.index);
    const numbers = Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) =>
      String(Number(from) + index).padStart(from.length, '0'),
    );
    names = names.flatMap(name => numbers.map(number => name + before + number));
    end = range.index + whole.length;
  }
  return { names: names.map(name => name + pattern.slice(end)) };
}
