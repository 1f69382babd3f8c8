/** Events of hosts as lines that stay, each naming its host: for logs, pipes and terminals that cannot do more. */
import { type HostEvent, PHASES } from '../actions/host-events.ts';
import { formatBytes, formatDuration } from '../support/format.ts';
import { diffLines } from './diff.ts';
import type { Look } from './terminal.ts';
import { clean, padEnd, width } from './text.ts';

/** A phase that takes long says how far it is, this often. */
const PROGRESS_MS = 10_000;
/** Columns that the longest name of a phase takes. */
const LONGEST_PHASE = Math.max(...Object.keys(PHASES).map(width));

/** Turns events into lines; remembers when a host last spoke of its progress. */
export class HostLines {
  readonly #look: Look;
  readonly #names: number;
  readonly #readOnly: boolean;
  readonly #spoken = new Map<string, number>();

  /** `readOnly`: the work changes nothing, so "unchanged" would say nothing. */
  constructor(hosts: readonly string[], look: Look, { readOnly }: { readOnly: boolean }) {
    this.#readOnly = readOnly;
    this.#look = look;
    this.#names = Math.min(24, Math.max(0, ...hosts.map(host => width(clean(host)))));
  }

  /** The lines for an event; none for most. `now` in milliseconds. */
  lines(event: HostEvent, now: number): string[] {
    const { paint, verbose } = this.#look;
    switch (event.kind) {
      case 'phase-start':
        this.#spoken.set(event.host, now);
        return verbose ? [this.#line(event, event.phase, 'begins')] : [];
      case 'phase-progress': {
        if (now - (this.#spoken.get(event.host) ?? now) < PROGRESS_MS) return [];
        this.#spoken.set(event.host, now);
        return [this.#line(event, event.phase, `${formatBytes(event.done)} of ${formatBytes(event.total)}`)];
      }
      case 'phase-note':
        return [this.#line(event, event.phase, clean(event.text))];
      case 'phase-diff':
        return diffLines(event.diff, this.#look).map(line => this.#line(event, event.phase, line));
      case 'phase-done':
        return [
          this.#line(event, event.phase, `${paint.green('done')} (${formatDuration(event.durationMs)})`),
          ...event.changed.map(what => this.#line(event, event.phase, `- ${clean(what)}`)),
        ];
      case 'phase-skipped':
        return verbose ? [this.#line(event, event.phase, paint.dim('nothing to do'))] : [];
      case 'phase-failed':
        return [
          this.#line(event, event.phase, `${paint.red('failed')} (${formatDuration(event.durationMs)})`),
        ];
      case 'host-done':
        return [
          this.#line(event, this.#readOnly ? 'done' : event.outcome, `(${formatDuration(event.durationMs)})`),
        ];
      case 'host-skipped':
        return [this.#line(event, paint.yellow('not begun'), clean(event.reason))];
      case 'host-failed':
        return [
          this.#line(
            event,
            'failed',
            `at ${event.phase}: ${clean(event.error.message.split('\n', 1)[0] ?? '')}`,
          ),
        ];
    }
  }

  /** Our own words come painted; what hosts say comes clean. */
  #line({ host }: HostEvent, subject: string, text: string): string {
    const name = this.#look.paint.bold(padEnd(clean(host), this.#names));
    return `${name}  ${padEnd(subject, LONGEST_PHASE)}  ${text}`.trimEnd();
  }
}
