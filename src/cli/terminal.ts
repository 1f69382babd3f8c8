/** What the terminal at the other end can show: its width, colours, and characters beyond ASCII. */
import { styleText } from 'node:util';

type Painter = (text: string) => string;
const COLOURS = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const;

export type Paint = Record<(typeof COLOURS)[number], Painter>;

/** Characters for states and bars, each one column wide. */
export interface Glyphs {
  tick: string;
  cross: string;
  warning: string;
  info: string;
  arrow: string;
  ellipsis: string;
  barDone: string;
  barLeft: string;
  /** Of trees: a branch, the last one, and what leads past one to the next. */
  branch: string;
  lastBranch: string;
  trunk: string;
}

/** Everything that a view needs to know about where its text goes. */
export interface Look {
  /** Columns that tables may fill; `Infinity` where nobody sees lines break, so that `grep` finds whole rows. */
  columns: number;
  paint: Paint;
  glyphs: Glyphs;
  /** More detail than a first look needs. */
  verbose: boolean;
}

/** A stream, as far as its looks go. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
}

const UNICODE: Glyphs = {
  tick: '✔',
  cross: '✖',
  warning: '!',
  info: '·',
  arrow: '→',
  ellipsis: '…',
  barDone: '━',
  barLeft: '─',
  branch: '├─ ',
  lastBranch: '└─ ',
  trunk: '│  ',
};

const ASCII: Glyphs = {
  tick: '+',
  cross: 'x',
  warning: '!',
  info: '.',
  arrow: '->',
  ellipsis: '...',
  barDone: '#',
  barLeft: '-',
  branch: '|- ',
  lastBranch: '`- ',
  trunk: '|  ',
};

/** Prose is read best at this width, and old consoles have no more. */
export const PROSE_COLUMNS = 80;

export const PLAIN: Paint = paintWith(false);

/** The look of a stream under an environment: NO_COLOR, FORCE_COLOR, TERM and the locale are followed. */
export function lookOf(stream: Screen, environment: NodeJS.ProcessEnv, verbose = false): Look {
  const tty = stream.isTTY === true;
  return {
    columns: tty ? Math.max(40, stream.columns || PROSE_COLUMNS) : Number.POSITIVE_INFINITY,
    paint: paintWith(wantsColour(tty, environment)),
    glyphs: wantsUnicode(environment) ? UNICODE : ASCII,
    verbose,
  };
}

/** The width for sentences: that of the screen, and never more than can be read at a glance. */
export function proseColumns({ columns }: Look): number {
  return Math.min(columns, PROSE_COLUMNS);
}

/** https://no-color.org: set and not empty means no colour, whatever else is said. */
function wantsColour(tty: boolean, { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return tty && TERM !== 'dumb';
}

function wantsUnicode({ LC_ALL, LC_CTYPE, LANG, TERM }: NodeJS.ProcessEnv): boolean {
  if (TERM === 'linux') return false;
  const locale = LC_ALL || LC_CTYPE || LANG;
  return !locale || /utf-?8/i.test(locale);
}

function paintWith(colour: boolean): Paint {
  const painter = (name: (typeof COLOURS)[number]): Painter =>
    colour ? text => styleText(name, text, { validateStream: false }) : text => text;
  return Object.fromEntries(COLOURS.map(name => [name, painter(name)])) as Paint;
}
