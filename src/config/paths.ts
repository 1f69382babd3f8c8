/** Paths that the operator writes: relative to the file they stand in, `~` for the home folder. */
import { dirname, join, resolve } from 'node:path';
import { type Path, pathText } from './problem.ts';
import type { Report } from './report.ts';

/** The absolute path that is meant by `text` in `file`. `~someone` is reported. */
export function absolutePath(text: string, path: Path, file: string, home: string, report: Report): string {
  if (text === '~' || text.startsWith('~/')) return join(home, text.slice(1));
  if (text.startsWith('~')) {
    report.add(
      path,
      `\`${pathText(path)}\` names another user's home folder`,
      'value',
      'Write the whole path.',
    );
  }
  return resolve(dirname(file), text);
}
