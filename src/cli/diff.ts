/** A unified diff for the eye: what goes in red, what comes in green. */
import type { Look } from './terminal.ts';
import { clean } from './text.ts';

export function diffLines(diff: string, { paint }: Look): string[] {
  return diff.split('\n').map(line => {
    const text = clean(line);
    if (/^(?:---|\+\+\+) /.test(line)) return paint.bold(text);
    if (line.startsWith('@@')) return paint.dim(text);
    if (line.startsWith('-')) return paint.red(text);
    return line.startsWith('+') ? paint.green(text) : text;
  });
}
