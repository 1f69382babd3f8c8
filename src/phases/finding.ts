/** What a look at a host found: the unit of preflight checks and of `host check`. */

export type Level = 'ok' | 'info' | 'warn' | 'error';

export interface Finding {
  /** Stable, for scripts: `kernel`, `space-data-root`. */
  id: string;
  /** `error`: an install would fail, or not work as meant. `warn`: it works, but look at it. */
  level: Level;
  /** What was found, in a line, with the numbers. */
  title: string;
  /** Why it matters. Empty where the title says it all. */
  why: string;
  /** What to do about it: a sentence or a command. Empty where there is nothing to do. */
  fix: string;
  /** Whether `host check --fix` does it. */
  fixable?: boolean;
}
