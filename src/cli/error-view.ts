/** How an error looks: what happened, where, and what to do next; for eyes and, as JSON, for scripts. */
import { inspect } from 'node:util';
import type { AirferryError, Where } from '../errors.ts';
import { type Look, proseColumns } from './terminal.ts';
import { clean, sentence, wrap } from './text.ts';

/** The error of a command under `--json`, in its key `error`. Public interface. */
export interface ErrorDocument {
  code: string;
  message: string;
  where: Where;
  suggestions: string[];
  /** The exit status. */
  exit: number;
}

export function errorDocument({ code, message, where, suggestions, exit }: AirferryError): ErrorDocument {
  return { code, message, where, suggestions: suggestions.map(sentence), exit };
}

/** An error as lines: `error: …`, then `at`, then a line for each suggestion. */
export function renderError(error: AirferryError, look: Look): string {
  const { paint } = look;
  const head = lead('error: ', error.message, look, paint.red);
  const places = placesOf(error).map(place => `  ${paint.dim('at')} ${clean(place)}`);
  const details = look.verbose ? causes(error, look) : [];
  return [...head, ...places, ...details, ...renderSuggestions(error.suggestions, look)].join('\n');
}

/** Lines that begin with an arrow: what to do next. A command stands on a line of its own, whole, to be copied. */
export function renderSuggestions(suggestions: readonly string[], look: Look, indent = '  '): string[] {
  const mark = `${indent}${look.glyphs.arrow} `;
  return suggestions.flatMap(text => {
    const [, words = text, command] = /^(.+:) (airferry .+)$/s.exec(text) ?? [];
    const below = command === undefined ? [] : [`${' '.repeat(mark.length)}${clean(command)}`];
    return [...lead(mark, sentence(words), look, look.paint.cyan), ...below];
  });
}

/** `warning: …` */
export function renderWarning(text: string, look: Look): string {
  return lead('warning: ', text, look, look.paint.yellow).join('\n');
}

/** Text after a mark, its further lines indented below the text; only the mark is painted. */
function lead(mark: string, text: string, look: Look, paint: (text: string) => string): string[] {
  const hanging = ' '.repeat(mark.length);
  return wrap(clean(text, 'keep'), proseColumns(look) - mark.length).map(
    (line, i) => (i === 0 ? paint(mark) : hanging) + line,
  );
}

/** What the message says already is not said again. */
function placesOf({ where, message }: AirferryError): string[] {
  const { file, line, column, host, phase, blob, offset, url } = where;
  const places: string[] = [];
  if (file !== undefined && (line !== undefined || !message.includes(file)))
    places.push([file, line, column].filter(part => part !== undefined).join(':'));
  if (host !== undefined && phase !== undefined) places.push(`host ${host}, phase ${phase}`);
  else if (host !== undefined && !message.includes(host)) places.push(`host ${host}`);
  else if (phase !== undefined) places.push(`phase ${phase}`);
  if (blob !== undefined && !message.includes(blob)) places.push(`blob ${blob}`);
  if (offset !== undefined) places.push(`offset ${offset}`);
  if (url !== undefined && !message.includes(url)) places.push(url);
  return places;
}

/** What was below the error, for those who asked: the messages of its causes, and the stack of a bug. */
function causes(error: AirferryError, look: Look): string[] {
  const lines: string[] = [];
  for (let cause = error.cause, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++)
    lines.push(`  ${look.paint.dim('cause')} ${clean(cause.message)}`);
  const root = error.cause ?? error;
  if (error.code === 'INTERNAL')
    lines.push(
      ...(root instanceof Error ? (root.stack ?? '') : inspect(root)).split('\n').map(line => `  ${line}`),
    );
  return lines;
}
