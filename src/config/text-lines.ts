/** Text files with one thing a line: `#` begins a comment, blank lines are nothing. */
import { extname } from 'node:path';
import type { Position } from './problem.ts';

export interface TextLine {
  /** The line's words, separated by spaces or tabs. */
  words: string[];
  /** Where each word begins. */
  at: Position[];
}

/** More lines than this are not a list that anybody wrote. */
export const MOST_LINES = 20_000;

/** The lines of a text that say something. A `#` begins a comment at the start of a line, or behind a blank. */
export function textLines(text: string): TextLine[] {
  return text.split(/\r?\n|\r/).flatMap((written, index) => {
    const found: TextLine = { words: [], at: [] };
    for (const match of written.matchAll(/\S+/g)) {
      if (match[0].startsWith('#')) break;
      found.words.push(match[0]);
      found.at.push({ line: index + 1, column: match.index + 1 });
    }
    return found.words.length === 0 ? [] : [found];
  });
}

/**
 * Whether a file is YAML rather than lines of text: by its extension; else by the first word, which is a key, the dash of
 * a list item, or a bracket that is not that of an IPv6 address: `[::1]:5000/app`.
 */
export function isYaml(file: string, text: string): boolean {
  if (/^\.(?:ya?ml|json)$/i.test(extname(file))) return true;
  const [first] = textLines(text);
  if (first === undefined) return false;
  const [word = ''] = first.words;
  if (/^\[[0-9a-fA-F]*:[0-9a-fA-F:.]*\](?::\d+)?\//.test(word)) return false;
  return /^(?:-{1,3}|%YAML|[[{].*|[^=*]+:)$/.test(word);
}
