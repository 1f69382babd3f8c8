/** Looking at hosts again and again: a screen that is drawn anew on a terminal, a line for each change elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostStatusResult } from '../actions/host-results.ts';
import { statusChanges } from '../actions/status-facts.ts';
import { plural } from '../support/format.ts';
import type { Output } from './output.ts';
import { clean, padEnd, width } from './text.ts';
import { statusView } from './views/host-status.ts';

export interface Watching {
  out: Output;
  /** Milliseconds from the end of one look to the beginning of the next. */
  everyMs: number;
  signal: AbortSignal;
  ask: () => Promise<HostStatusResult>;
}

const HOME_AND_CLEAR = '\u001b[H\u001b[2J';

/** Until the signal: returns then, and throws only what `ask` does for all hosts together. */
export async function watchStatus({ out, everyMs, signal, ask }: Watching): Promise<void> {
  const redraws = process.stdout.isTTY === true && process.env.TERM !== 'dumb';
  let before: HostStatusResult | undefined;
  while (!signal.aborted) {
    const now = await ask();
    // What a look that was broken off did not see has not changed.
    if (signal.aborted) return;
    if (redraws) write([heading(now, everyMs), '', ...statusView(now, out.look)], HOME_AND_CLEAR);
    else write(before ? changeLines(before, now) : statusView(now, out.look));
    before = now;
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

function heading({ hosts }: HostStatusResult, everyMs: number): string {
  const at = new Date().toTimeString().slice(0, 8);
  return `${plural(hosts.length, 'host')}, ${at}, every ${everyMs / 1000} s; Ctrl-C ends`;
}

/** `2026-11-20T10:00:00Z  h1  state: as left -> down` */
export function changeLines(
  before: HostStatusResult,
  after: HostStatusResult,
  now: Date = new Date(),
): string[] {
  const when = `${now.toISOString().slice(0, 19)}Z`;
  const names = Math.max(0, ...after.hosts.map(({ name }) => width(clean(name))));
  return statusChanges(before.hosts, after.hosts).map(
    ({ host, what, before: was, after: is }) =>
      `${when}  ${padEnd(clean(host), names)}  ${what}: ${clean(was)} -> ${clean(is)}`,
  );
}

function write(lines: readonly string[], start = ''): void {
  if (lines.length > 0) process.stdout.write(`${start}${lines.join('\n')}\n`);
}
