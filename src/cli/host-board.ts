/** What is known of each host while they are at work; the model behind the list that a terminal shows. Pure. */
import type { HostEvent } from '../actions/host-events.ts';
import { formatBytes, formatDuration, plural } from '../support/format.ts';
import type { Look } from './terminal.ts';
import { clean, padEnd, truncate, width } from './text.ts';

export type HostState = 'waiting' | 'working' | 'done' | 'failed' | 'skipped';

/** What kind of work it is. */
export interface BoardOptions {
  dryRun: boolean;
  /** Nothing is ever changed by it, so there is nothing to say about changes. */
  readOnly: boolean;
}

interface Row {
  state: HostState;
  /** What the host is doing, or how it ended. */
  text: string;
  changes: number;
  /** Since when it is at what it is doing; milliseconds. */
  since: number;
}

const LONGEST_NAME = 24;
/** Milliseconds at one phase after which a host is called slow, and how many of them are named. */
const SLOW_MS = 10_000;
const MOST_SLOW = 3;

export class HostBoard {
  readonly #rows: Map<string, Row>;
  readonly #look: Look;
  readonly #options: BoardOptions;
  readonly #names: number;

  constructor(hosts: readonly string[], look: Look, options: BoardOptions) {
    this.#rows = new Map(
      hosts.map(host => [host, { state: 'waiting', text: 'waiting', changes: 0, since: 0 }]),
    );
    this.#look = look;
    this.#options = options;
    this.#names = Math.min(LONGEST_NAME, Math.max(0, ...hosts.map(host => width(clean(host)))));
  }

  /** Take an event in, and return its host's new state. `now` in milliseconds. */
  update(event: HostEvent, now: number = performance.now()): HostState {
    const row = this.#rows.get(event.host) ?? { state: 'waiting', text: '', changes: 0, since: now };
    this.#rows.set(event.host, row);
    switch (event.kind) {
      case 'phase-start':
        row.state = 'working';
        row.text = event.title;
        row.since = now;
        break;
      case 'phase-progress':
        row.text = `${event.title}  ${formatBytes(event.done)} of ${formatBytes(event.total)}`;
        break;
      case 'phase-done':
        row.changes += event.changed.length;
        break;
      case 'host-done':
        row.state = 'done';
        row.text = [changesText(row.changes, this.#options), formatDuration(event.durationMs)]
          .filter(Boolean)
          .join('  ');
        break;
      case 'host-skipped':
        row.state = 'skipped';
        row.text = `not begun: ${event.reason}`;
        break;
      case 'host-failed':
        row.state = 'failed';
        row.text = `failed at ${event.phase}: ${event.error.message.split('\n', 1)[0]}`;
        break;
      default:
        break;
    }
    return row.state;
  }

  /** A host in one line that fits. */
  line(host: string): string {
    const { columns, glyphs } = this.#look;
    const text = clean(this.#rows.get(host)?.text ?? '');
    const name = padEnd(truncate(clean(host), LONGEST_NAME, glyphs.ellipsis), this.#names);
    // A mark and a space stand before the line, and listr keeps two columns free.
    return `${name}  ${truncate(text, Math.max(10, columns - 6 - this.#names - 2), glyphs.ellipsis)}`;
  }

  /** All hosts in one line: for fleets that no screen holds. */
  total(): string {
    const count = (state: HostState): number =>
      [...this.#rows.values()].filter(row => row.state === state).length;
    const failed = count('failed');
    const skipped = count('skipped');
    const parts = [
      `${count('done')} of ${this.#rows.size} hosts done`,
      ...(failed > 0 ? [this.#look.paint.red(`${failed} failed`)] : []),
      ...(skipped > 0 ? [this.#look.paint.yellow(`${skipped} not begun`)] : []),
      `${count('working')} at work`,
      `${count('waiting')} waiting`,
    ];
    return parts.join(', ');
  }

  /** What the hosts at work are doing, by phase: `Load images (3)`. */
  phases(): string[] {
    const titles = [...this.#rows.values()]
      .filter(({ state }) => state === 'working')
      .map(({ text }) => shortTitle(text));
    const groups = Map.groupBy(titles, title => title);
    return [...groups].map(([title, members]) => `${title} (${members.length})`);
  }

  /** Those that are at one thing for longest: `node17: Load images, 2 min 10 s`. */
  slowest(now: number = performance.now()): string[] {
    const slow = [...this.#rows].filter(
      ([, { state, since }]) => state === 'working' && now - since >= SLOW_MS,
    );
    slow.sort(([, a], [, b]) => a.since - b.since);
    return slow
      .slice(0, MOST_SLOW)
      .map(
        ([host, { text, since }]) =>
          `${clean(host)}: ${clean(shortTitle(text))}, ${formatDuration(now - since)}`,
      );
  }
}

function shortTitle(text: string): string {
  return text.replace(/ {2}.*$/, '');
}

function changesText(changes: number, { dryRun, readOnly }: BoardOptions): string {
  if (readOnly) return 'done';
  if (changes === 0) return dryRun ? 'nothing would change' : 'nothing to change';
  return dryRun ? `${plural(changes, 'change')} to make` : plural(changes, 'change');
}
