/** Hosts at work, on stderr: a list that is drawn over on a terminal, lines elsewhere, nothing under --quiet. */
import { DefaultRenderer, Listr, ListrLogger, ProcessOutput } from 'listr2';
import type { HostEvent } from '../actions/host-events.ts';
import { type BoardOptions, HostBoard } from './host-board.ts';
import { HostLines } from './host-lines.ts';
import type { Output } from './output.ts';
import { clean } from './text.ts';
import { namesOf } from './views/hosts.ts';

export interface HostView {
  onEvent(event: HostEvent): void;
  /** A signal has come; the hosts are about to stop. */
  stopping(): void;
  /** The action is over; returns when the last state is on the screen. */
  end(): Promise<void>;
}

/** More hosts than this do not fit a screen: they are shown as one. */
const MOST_LISTED = 20;
/** Milliseconds. A faster eye does not exist, and a slow line to a jump host does. */
const REDRAW_MS = 100;
/** Milliseconds between lines about all hosts of a large fleet. */
const TOTALS_MS = 5_000;
const STOPPING = 'stopping (Ctrl-C again to stop at once)';

/** The view for hosts of these names; `lines` where something else is written to the terminal, too. */
export function hostView(
  hosts: readonly string[],
  out: Output,
  options: BoardOptions,
  { lines = false }: { lines?: boolean } = {},
): HostView {
  if (out.quiet) return { onEvent: () => undefined, stopping: () => undefined, end: async () => undefined };
  const drawable = process.stderr.isTTY === true && process.env.TERM !== 'dumb' && !out.verbose && !lines;
  if (drawable) return new ListView(hosts, out, options);
  const many = hosts.length > MOST_LISTED && !out.verbose;
  return many ? new TotalsView(hosts, out, options) : new LineView(hosts, out, options);
}

class LineView implements HostView {
  readonly #lines: HostLines;
  readonly #out: Output;

  constructor(hosts: readonly string[], out: Output, options: BoardOptions) {
    this.#out = out;
    this.#lines = new HostLines(hosts, out.sideLook, options);
  }

  onEvent(event: HostEvent): void {
    for (const line of this.#lines.lines(event, performance.now())) this.#out.note(line);
  }

  stopping(): void {
    this.#out.note(STOPPING);
  }

  async end(): Promise<void> {}
}

/** Large fleets where nothing can be drawn over: a line now and then for all of them, and one for each that fails. */
class TotalsView implements HostView {
  readonly #board: HostBoard;
  readonly #lines: HostLines;
  readonly #out: Output;
  readonly #timer: NodeJS.Timeout;
  readonly #notes: Note[] = [];
  #last = '';

  constructor(hosts: readonly string[], out: Output, options: BoardOptions) {
    this.#out = out;
    this.#board = new HostBoard(hosts, out.sideLook, options);
    this.#lines = new HostLines(hosts, out.sideLook, options);
    this.#timer = setInterval(() => this.#tell(), TOTALS_MS);
    this.#timer.unref();
  }

  onEvent(event: HostEvent): void {
    this.#board.update(event);
    if (event.kind === 'phase-note') this.#notes.push({ name: event.host, text: event.text });
    if (event.kind !== 'host-failed') return;
    for (const line of this.#lines.lines(event, performance.now())) this.#out.note(line);
  }

  stopping(): void {
    this.#out.note(STOPPING);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#tell();
    tellNotes(this.#notes, this.#out);
  }

  #tell(): void {
    const slow = this.#board.slowest();
    const text = this.#board.total();
    if (text === this.#last && slow.length === 0) return;
    this.#last = text;
    this.#out.note(slow.length > 0 ? `${text}; slowest: ${slow.join('; ')}` : text);
  }
}

interface Note {
  name: string;
  text: string;
}

/** What hosts noted, those with the same note together. */
function tellNotes(notes: readonly Note[], out: Output): void {
  for (const [text, hosts] of Map.groupBy(notes, note => note.text))
    out.note(`${namesOf(hosts)}: ${clean(text)}`);
}

/** listr2's list, drawn on stderr: stdout belongs to the result. */
class StderrRenderer extends DefaultRenderer {
  static override nonTTY = true;

  constructor(...[tasks, options, events]: ConstructorParameters<typeof DefaultRenderer>) {
    const processOutput = new ProcessOutput(process.stderr, process.stderr, { leaveEmptyLine: false });
    super(tasks, { ...options, logger: new ListrLogger({ useIcons: true, processOutput }) }, events);
  }
}

/** A task of listr2, as far as it is needed here. */
interface Task {
  title?: string;
  output?: string;
}

class ListView implements HostView {
  readonly #board: HostBoard;
  readonly #aggregate: boolean;
  readonly #tasks = new Map<string, Task>();
  readonly #endings = new Map<string, PromiseWithResolvers<void>>();
  readonly #running: Promise<unknown>;
  readonly #timer: NodeJS.Timeout;
  readonly #dirty = new Set<string>();
  readonly #out: Output;
  /** Said once the list is gone, which would draw over them. */
  readonly #notes: Note[] = [];

  constructor(hosts: readonly string[], out: Output, options: BoardOptions) {
    this.#out = out;
    this.#board = new HostBoard(hosts, out.sideLook, options);
    this.#aggregate = hosts.length > MOST_LISTED;
    const names = this.#aggregate ? [''] : hosts;
    for (const name of names) this.#endings.set(name, Promise.withResolvers());
    const list = new Listr(
      names.map(name => ({
        title: this.#aggregate ? this.#board.total() : this.#board.line(name),
        task: (_: unknown, task: Task) => {
          this.#tasks.set(name, task);
          return this.#endings.get(name)?.promise;
        },
      })),
      {
        concurrent: true,
        exitOnError: false,
        // Ctrl-C is for the action to end, in order.
        registerSignalListeners: false,
        renderer: StderrRenderer,
        rendererOptions: {
          showErrorMessage: false,
          collapseErrors: false,
          formatOutput: 'truncate',
          // The table that follows says it better; where that goes into a file, the list stays.
          clearOutput: process.stdout.isTTY === true,
        },
      },
    );
    this.#running = list.run();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#timer.unref();
  }

  onEvent(event: HostEvent): void {
    const state = this.#board.update(event);
    if (event.kind === 'phase-note') this.#notes.push({ name: event.host, text: event.text });
    this.#dirty.add(event.host);
    if (this.#aggregate || state === 'waiting' || state === 'working') return;
    this.#draw();
    const ending = this.#endings.get(event.host);
    if (state === 'failed') ending?.reject(new Error('failed'));
    else ending?.resolve();
  }

  stopping(): void {
    for (const task of this.#tasks.values()) task.output = STOPPING;
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#draw();
    for (const ending of this.#endings.values()) ending.resolve();
    await this.#running.catch(() => undefined);
    tellNotes(this.#notes, this.#out);
  }

  #draw(): void {
    if (this.#aggregate) {
      const task = this.#tasks.get('');
      if (!task) return;
      task.title = this.#board.total();
      const slow = this.#board.slowest().map(text => `slow: ${text}`);
      task.output = [...this.#board.phases(), ...slow].join('\n');
    } else {
      for (const host of this.#dirty) {
        const task = this.#tasks.get(host);
        if (task) task.title = this.#board.line(host);
      }
    }
    this.#dirty.clear();
  }
}
