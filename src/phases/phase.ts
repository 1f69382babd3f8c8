/**
 * A phase: one idempotent step on a host. It looks first and comes back with a plan, which says in words what it will
 * change, for the state what it will leave behind, and does it when it is run. A dry run is the plans without the runs,
 * so the two cannot differ.
 *
 * What a plan leaves behind is in the host's state before it is run, and there is one way back for each kind of thing
 * (`undo.ts`): an install that was interrupted anywhere can be finished, or be uninstalled.
 */
import type { AuditedFile } from '../host/audit.ts';
import type { GatheredFacts } from '../host/facts.ts';
import type { Shell } from '../host/shell.ts';
import type { HostChange, HostState, InstalledFile, Trial } from '../host/state.ts';
import type { EngineSaid } from './engine-answer.ts';
import type { Finding } from './finding.ts';
import type { PhaseName } from './names.ts';
import type { Survey } from './survey.ts';
import type { RunnableEngine, Wanted } from './wanted.ts';

/** Whoever is told how a phase goes on. */
export interface Reporter {
  /** Bytes of a total. */
  progress(done: number, total: number): void;
  note(text: string): void;
}

/** A host as any phase meets it. */
export interface BareContext {
  readonly shell: Shell;
  readonly facts: GatheredFacts;
  readonly survey: Survey;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
  readonly findings: Finding[];
  /** What was done so far, for the audit log. */
  readonly done: { phase: PhaseName; what: string; files?: AuditedFile[] }[];
  /** As it will be written to the host. */
  state: HostState;
  /** By the engine, since this run has waited for it; undefined again once something is loaded into it. */
  said?: EngineSaid | undefined;
}

/** A host that is to run an engine which lies on it, or will by then: out of a bundle, or the one before. */
export interface EngineContext extends BareContext {
  readonly wanted: { readonly engine?: RunnableEngine; readonly bundle?: Wanted['bundle'] };
}

/** A host that is to become what a bundle says. */
export interface HostContext extends BareContext {
  readonly wanted: Wanted;
}

export interface Plan {
  /** What it changes, each as an operator would say it: `write /etc/docker/daemon.json`. May be empty: it only acts. */
  changes: string[];
  /** What will lie on the host because of it. */
  files?: InstalledFile[];
  /** Paths that will no longer be ours. */
  gone?: string[];
  made?: HostChange[];
  /** Units that have to be restarted for it. */
  restart?: string[];
  /** Units that only have to read their configuration again. */
  reload?: string[];
  /** What the change has to be held against before it counts as good. */
  trial?: Trial;
  /** How the file that it writes will differ: a unified diff, without secrets. */
  diff?: string;
  run(report: Reporter): Promise<void>;
}

export interface Phase<Context extends BareContext = HostContext> {
  readonly name: PhaseName;
  /** What is to be done here; undefined when there is nothing. Asks the host at most, never changes it. */
  plan(context: Context, report: Reporter): Promise<Plan | undefined> | Plan | undefined;
}

/** The state to be written before a plan is run: with all that it will leave behind, and what it takes away still in it. */
export function stateAfter(state: HostState, plan: Plan, now: Date = new Date()): HostState {
  const { files = [], made = [], restart = [], reload = [], trial } = plan;
  const paths = new Set(files.map(file => file.path));
  const pending = [...new Set([...(state.pending ?? []), ...restart])];
  const again = [...new Set([...(state.reload ?? []), ...reload])];
  return {
    ...state,
    files: [...state.files.filter(file => !paths.has(file.path)), ...files],
    changes: [...state.changes.filter(change => !made.some(other => sameThing(change, other))), ...made],
    ...(pending.length > 0 ? { pending } : {}),
    ...(again.length > 0 ? { reload: again } : {}),
    ...(trial ? { trial } : {}),
    updatedAt: now.toISOString(),
  };
}

/** The state once things are no longer there. */
export function stateWithout(state: HostState, gone: readonly string[]): HostState {
  const paths = new Set(gone);
  return { ...state, files: state.files.filter(file => !paths.has(file.path)) };
}

/** Whether a plan leaves anything for the state to remember beforehand. */
export function leavesTraces(plan: Plan): boolean {
  if (plan.trial) return true;
  return [plan.files, plan.made, plan.restart, plan.reload].some(
    list => list !== undefined && list.length > 0,
  );
}

/** Changes of which a host has one: a later one takes the place of an earlier. */
function sameThing(a: HostChange, b: HostChange): boolean {
  if (a.kind === 'sysctl' && b.kind === 'sysctl') return a.key === b.key;
  if (a.kind === 'group' && b.kind === 'group') return a.name === b.name;
  return a.kind === b.kind && (a.kind === 'hosts-line' || a.kind === 'adopted');
}
