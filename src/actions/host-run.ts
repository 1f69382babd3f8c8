/**
 * Work on many hosts at once: each goes through its phases in order, a failure ends only the host that it happened on,
 * and whatever happens its lock is given back and its connection closed.
 */
import type { AirferryError } from '../errors.ts';
import { formatAddress } from '../host/address.ts';
import { audit } from '../host/audit.ts';
import type { Shell } from '../host/shell.ts';
import { type HostState, writeState } from '../host/state.ts';
import { acquireLock } from '../phases/acquire-lock.ts';
import { auditedFiles } from '../phases/audited-files.ts';
import { connectHost } from '../phases/connect.ts';
import type { Finding } from '../phases/finding.ts';
import { PHASES, type PhaseName } from '../phases/names.ts';
import {
  type BareContext,
  leavesTraces,
  type Phase,
  type Plan,
  type Reporter,
  stateAfter,
  stateWithout,
} from '../phases/phase.ts';
import type { Place } from '../support/places.ts';
import type { FleetMember } from './fleet.ts';
import type { HostEvent } from './host-events.ts';
import { asAirferryError, interrupted } from './host-failure.ts';
import type { Change, HostResult, HostsOptions } from './host-results.ts';
import { Lifeline } from './lifeline.ts';
import { inWaves } from './waves.ts';

const DEFAULT_PARALLEL = 10;
/** Phases that only ask: while a host is slow to answer, another one may begin. */
const QUESTIONS: ReadonlySet<PhaseName> = new Set([
  'connect',
  'acquire-lock',
  'gather-facts',
  'inspect-engine',
]);
/** Milliseconds without an answer after which a host is slow. */
const PATIENCE_MS = 1_000;
/** What is not begun again when the connection was lost in it: nobody knows how far it came. */
const ONCE: ReadonlySet<PhaseName> = new Set(['run-command']);
/** Phases that see to the state on the host themselves. */
const ENDS: ReadonlySet<PhaseName> = new Set(['record-state', 'forget-host']);

/** A host on its way through the phases. */
export class HostRun {
  readonly member: FleetMember;
  readonly changes: Change[] = [];
  readonly findings: Finding[] = [];
  readonly #options: HostsOptions;
  readonly #place: Place;
  #lifeline: Lifeline | undefined;
  #phase: PhaseName = 'connect';
  #saved: HostState | undefined;

  constructor(member: FleetMember, options: HostsOptions, place: Place) {
    this.member = member;
    this.#options = options;
    this.#place = place;
  }

  get name(): string {
    return this.member.target.name;
  }

  /** The phase that the host is in, or failed in. */
  get current(): PhaseName {
    return this.#phase;
  }

  /** Connect, take the lock if `purpose` is to change something, work, and undo both in any case. */
  async connected<T>(lock: { purpose: string } | undefined, work: (shell: Shell) => Promise<T>): Promise<T> {
    const { knownHosts, connectTimeoutMs, keepaliveMs, ask, breakLock = false, signal } = this.#options;
    const { connection, shell } = await this.step('connect', report =>
      connectHost(this.member.target, {
        knownHosts,
        onNote: report.note,
        ...(ask ? { ask } : {}),
        ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
        ...(keepaliveMs === undefined ? {} : { keepaliveMs }),
        ...(signal ? { signal } : {}),
      }),
    );
    const lifeline = new Lifeline(connection, this.#options);
    this.#lifeline = lifeline;
    try {
      if (lock) {
        const wanted = { ...lock, breakLock };
        lifeline.lock = await this.step('acquire-lock', report => acquireLock(shell, wanted, report));
      }
      return await work(shell);
    } catch (error) {
      if (lifeline.lock) await this.#noteFailure(shell, error);
      throw error;
    } finally {
      this.#lifeline = undefined;
      // With the connection gone the lock stays, and is void once this process has ended.
      await lifeline.lock?.release().catch(() => undefined);
      await connection.close();
    }
  }

  /** A phase without a plan of its own. What it changes, it adds to `changed`. */
  async step<T>(phase: PhaseName, work: (report: Reporter, changed: string[]) => Promise<T>): Promise<T> {
    const started = this.#start(phase);
    const changed: string[] = [];
    try {
      if (this.#options.signal?.aborted) throw interrupted();
      const report = this.#reporter(phase);
      const working = this.#lasting(phase, report, () => work(report, changed));
      const result = QUESTIONS.has(phase) ? await this.#place.waiting(working, PATIENCE_MS) : await working;
      this.#done(phase, [...new Set(changed)], started);
      return result;
    } catch (error) {
      throw this.#failed(phase, error, started);
    }
  }

  /**
   * Plan a phase and, unless it is a dry run, run it. What it leaves behind is in the host's state before it runs; what
   * came of it, before the next one does.
   */
  async phase<Context extends BareContext>(phase: Phase<Context>, context: Context): Promise<void> {
    const { name } = phase;
    this.#phase = name;
    this.#saved ??= context.state;
    const report = this.#reporter(name);
    // What is noted while planning is told once it is known whether the phase starts.
    const early: string[] = [];
    // One, or more where the connection was lost and the phase began again.
    const plans: Plan[] = [];
    let started: number | undefined;
    try {
      if (this.#options.signal?.aborted) throw interrupted();
      await this.#lasting(name, report, async () => {
        const plan = await phase.plan(context, { ...report, note: text => early.push(text) });
        if (plan) started ??= this.#start(name);
        for (const text of early.splice(0)) report.note(text);
        if (!plan) return;
        plans.push(plan);
        const { diff, gone = [] } = plan;
        if (diff !== undefined && !context.dryRun)
          this.#emit({ kind: 'phase-diff', ...this.#at(name), diff });
        if (leavesTraces(plan)) context.state = stateAfter(context.state, plan);
        if (!context.dryRun) {
          if (!ENDS.has(name)) await this.#save(context);
          await plan.run(report);
        }
        if (gone.length > 0) context.state = stateWithout(context.state, gone);
        if (ENDS.has(name)) this.#saved = context.state;
      });
      if (plans.length === 0) return this.#emit({ kind: 'phase-skipped', ...this.#at(name) });
      const changes = [...new Set(plans.flatMap(plan => plan.changes))];
      this.#done(name, changes, started ?? 0, plans[0]?.diff);
      // The files of a phase stand with the first thing that it did.
      const files = auditedFiles(plans, context.survey);
      context.done.push(
        ...changes.map((what, i) => ({
          phase: name,
          what,
          ...(i === 0 && files.length > 0 ? { files } : {}),
        })),
      );
    } catch (error) {
      started ??= this.#start(name);
      // The connection may be what failed; the error to tell is the first one.
      if (!context.dryRun) await this.#save(context).catch(() => undefined);
      throw this.#failed(name, error, started);
    }
  }

  #lasting<T>(phase: PhaseName, report: Reporter, work: () => Promise<T>): Promise<T> {
    if (!this.#lifeline || ONCE.has(phase)) return work();
    return this.#lifeline.lasting(PHASES[phase], report.note, work);
  }

  /** Write the state to the host, if it is not what was written last. */
  async #save(context: BareContext): Promise<void> {
    if (context.state === this.#saved) return;
    await writeState(context.shell, context.state);
    this.#saved = context.state;
  }

  #start(phase: PhaseName): number {
    this.#phase = phase;
    this.#emit({ kind: 'phase-start', ...this.#at(phase) });
    return performance.now();
  }

  /** A phase writes one file whose difference is worth showing, and says so first. */
  #done(phase: PhaseName, changed: string[], started: number, diff?: string): void {
    const shown = (i: number): Pick<Change, 'diff'> => (i === 0 && diff !== undefined ? { diff } : {});
    this.changes.push(...changed.map((what, i) => ({ phase, what, ...shown(i) })));
    this.#emit({ kind: 'phase-done', ...this.#at(phase), changed, durationMs: since(started) });
  }

  #failed(phase: PhaseName, thrown: unknown, started: number): AirferryError {
    const error = asAirferryError(thrown, this.#options.signal).at({ host: this.name, phase });
    this.#emit({ kind: 'phase-failed', ...this.#at(phase), error, durationMs: since(started) });
    return error;
  }

  #reporter(phase: PhaseName): Reporter {
    let most = { done: 0, total: 0 };
    return {
      progress: (done, total) => {
        // What was under way when a connection was lost is sent again.
        most = { done: total === most.total ? Math.max(most.done, done) : done, total };
        this.#emit({ kind: 'phase-progress', ...this.#at(phase), ...most });
      },
      note: text => this.#emit({ kind: 'phase-note', ...this.#at(phase), text }),
    };
  }

  #at(phase: PhaseName): { host: string; phase: PhaseName; title: string } {
    return { host: this.name, phase, title: PHASES[phase] };
  }

  #emit(event: HostEvent): void {
    this.#options.onEvent?.(event);
  }

  async #noteFailure(shell: Shell, thrown: unknown): Promise<void> {
    const { code, message } = asAirferryError(thrown, this.#options.signal);
    const action = `failed: ${PHASES[this.#phase]}`;
    const line = { phase: this.#phase, action, result: 'failed', error: { code, message } } as const;
    await audit(shell, [line]).catch(() => undefined);
  }
}

/** What the work on a host adds to its result. */
export type Extra<Host extends HostResult> = Omit<Host, keyof HostResult>;

/** Do `onHost` on every host of the fleet, wave by wave. Never throws for what happens on a host. */
export function onEveryHost<Host extends HostResult>(
  options: HostsOptions,
  none: Extra<Host>,
  onHost: (run: HostRun) => Promise<Extra<Host>>,
): Promise<Host[]> {
  const { fleet, parallel = DEFAULT_PARALLEL, waves = {}, signal, onEvent } = options;
  const skip = ({ target }: FleetMember, reason: string): Host => {
    onEvent?.({ kind: 'host-skipped', host: target.name, reason });
    const address = formatAddress(target);
    const rest = { outcome: 'skipped', reason, changes: [], findings: [], durationMs: 0 } as const;
    return { name: target.name, address, ...rest, ...none } as unknown as Host;
  };
  const work = async (member: FleetMember, place: Place): Promise<Host> => {
    const started = performance.now();
    const run = new HostRun(member, options, place);
    const result = (over: Partial<HostResult>, extra: Extra<Host>): Host =>
      ({
        name: run.name,
        address: formatAddress(member.target),
        outcome: run.changes.length > 0 ? 'changed' : 'unchanged',
        changes: run.changes,
        findings: run.findings,
        durationMs: since(started),
        ...over,
        ...extra,
      }) as Host;
    try {
      const done = result({}, await onHost(run));
      const outcome = done.outcome === 'changed' ? 'changed' : 'unchanged';
      onEvent?.({ kind: 'host-done', host: run.name, outcome, durationMs: done.durationMs });
      return done;
    } catch (thrown) {
      const error = asAirferryError(thrown, options.signal).at({ host: run.name, phase: run.current });
      // The phase that the error names: after a rollback the host has been through others.
      const phase = isPhase(error.where.phase) ? error.where.phase : run.current;
      const failed = result({ outcome: 'failed', phase, error }, none);
      const { durationMs } = failed;
      onEvent?.({ kind: 'host-failed', host: run.name, phase, error, durationMs });
      return failed;
    }
  };
  const failed = ({ outcome }: Host): boolean => outcome === 'failed';
  const asked = { waves, parallel, work, failed, skip };
  return inWaves(fleet.members, signal ? { ...asked, signal } : asked);
}

function isPhase(name: string | undefined): name is PhaseName {
  return name !== undefined && Object.hasOwn(PHASES, name);
}

function since(started: number): number {
  return Math.round(performance.now() - started);
}
