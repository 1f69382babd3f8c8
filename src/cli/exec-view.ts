/** What commands on hosts say, each line behind its host's name: their stdout on ours, their stderr on ours. */
import type { OutputStream } from '../actions/host-exec.ts';
import type { HostView } from './host-view.ts';
import type { Output } from './output.ts';
import { clean, padEnd, width } from './text.ts';

const LONGEST_NAME = 24;
const ESCAPE = '\u001b';
/** Colours are a command's own business; whatever else moves the cursor would wreck the lines of others. */
const COLOUR = new RegExp(`${ESCAPE}\\[[\\d;]*m`, 'g');

export class ExecView implements HostView {
  readonly #out: Output;
  readonly #names: number;

  constructor(hosts: readonly string[], out: Output) {
    this.#out = out;
    this.#names = Math.min(LONGEST_NAME, Math.max(0, ...hosts.map(host => width(clean(host)))));
  }

  onEvent(): void {}

  /** `h1 | up 3 days` */
  onLine(host: string, stream: OutputStream, line: string): void {
    const screen = stream === 'stdout' ? process.stdout : process.stderr;
    const { paint } = stream === 'stdout' ? this.#out.look : this.#out.sideLook;
    const name = padEnd(clean(host), this.#names);
    const text = screen.isTTY ? harmless(line) : line;
    screen.write(`${stream === 'stdout' ? paint.cyan(name) : paint.yellow(name)} | ${text}\n`);
  }

  stopping(): void {
    this.#out.note('ending the commands (Ctrl-C again to stop at once)');
  }

  async end(): Promise<void> {}
}

/** A line that only a terminal needs protection from. */
function harmless(line: string): string {
  const colours = line.match(COLOUR) ?? [];
  const pieces = line.split(COLOUR).map(piece =>
    piece
      .split('\t')
      .map(text => clean(text))
      .join('\t'),
  );
  const text = pieces.map((piece, i) => piece + (colours[i] ?? '')).join('');
  return colours.length > 0 ? `${text}${ESCAPE}[0m` : text;
}
