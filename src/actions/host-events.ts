/** What the host actions tell while they work: one event at a time, each naming its host. */
import type { AirferryError } from '../errors.ts';
import type { PhaseName } from '../phases/names.ts';

export type { PhaseName } from '../phases/names.ts';
export { PHASES } from '../phases/names.ts';

interface OnHost {
  /** The host's name, as in the results. */
  host: string;
}

interface InPhase extends OnHost {
  phase: PhaseName;
  /** `Bring the engine over`; the same for every host. */
  title: string;
}

/**
 * The order for a host: for each phase `phase-start`, any number of `phase-progress` and `phase-note`, then `phase-done`
 * or `phase-failed`; at the end `host-done` or `host-failed`. A phase that has nothing to do is `phase-skipped` without a
 * start, at most with notes before. A host that is not begun has `host-skipped` alone. Events of different hosts interleave.
 */
export type HostEvent =
  | (InPhase & { kind: 'phase-start' })
  /** Bytes of `total`; `done` never goes back within a phase. */
  | (InPhase & { kind: 'phase-progress'; done: number; total: number })
  /** Something worth a line: a warning, a decision, what `docker load` said. */
  | (InPhase & { kind: 'phase-note'; text: string })
  /** How a file is about to change, before it does: a unified diff, without secrets. */
  | (InPhase & { kind: 'phase-diff'; diff: string })
  /** In a dry run `changed` holds what would change, in the same words. */
  | (InPhase & { kind: 'phase-done'; changed: string[]; durationMs: number })
  | (InPhase & { kind: 'phase-skipped' })
  | (InPhase & { kind: 'phase-failed'; error: AirferryError; durationMs: number })
  | (OnHost & { kind: 'host-done'; outcome: 'changed' | 'unchanged'; durationMs: number })
  | (OnHost & { kind: 'host-skipped'; reason: string })
  | (OnHost & { kind: 'host-failed'; phase: PhaseName; error: AirferryError; durationMs: number });

export type OnHostEvent = (event: HostEvent) => void;
