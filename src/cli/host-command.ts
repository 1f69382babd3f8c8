/** What the commands on hosts do the same: find the hosts, show them at work, say which to try again. */
import { resolveFleet, type SiteFleet } from '../actions/fleet.ts';
import type { HostsOptions, HostsResult } from '../actions/host-results.ts';
import { summaryError } from '../actions/host-summary.ts';
import { findRun, unfinished } from '../actions/run-folder.ts';
import { RunRecord } from '../actions/run-record.ts';
import { AirferryError } from '../errors.ts';
import { command } from '../host/quote.ts';
import { BaseCommand, type Ending } from './base-command.ts';
import { type HostView, hostView } from './host-view.ts';
import type { Output } from './output.ts';
import { withPassphrases } from './passphrases.ts';
import { questions } from './questions.ts';
import { type HostFlags, hostsOptions, reachOptions, retryCommand } from './reach.ts';
import { type WaveFlags, wavesOf } from './wave-flags.ts';

export interface HostWork<Result extends HostsResult> {
  dryRun?: boolean;
  /** It only asks. */
  readOnly?: boolean;
  /** Before any host is spoken to; a throw ends the command. */
  before?: (fleet: SiteFleet) => Promise<void>;
  action: (options: HostsOptions) => Promise<Result>;
  /** Shows the work of hosts of these names, instead of the usual list. */
  view?: (names: readonly string[]) => HostView;
  /** What comes of it is of all hosts together: it is tried again on all of them, and not on those alone that failed. */
  together?: boolean;
}

/** More hosts than this are not named in the command to try again. */
const MOST_NAMED = 6;

export abstract class HostCommand extends BaseCommand {
  /**
   * Run an action on the hosts that the flags name. A host that fails is in the result, and makes an error of it. What
   * changes hosts is recorded.
   */
  protected async onHosts<Result extends HostsResult>(
    out: Output,
    flags: HostFlags & WaveFlags,
    work: HostWork<Result>,
  ): Promise<{ result: Result; error?: AirferryError }> {
    const { dryRun = false, readOnly = false, together = false, before, action } = work;
    const waves = wavesOf(flags);
    const resolved = this.#again(out, flags, await resolveFleet(await reachOptions(flags)));
    for (const note of resolved.notes ?? []) out.warn(note);
    const fleet = await withPassphrases(resolved, out, flags);
    await before?.(fleet);
    const names = fleet.members.map(({ target }) => target.name);
    let view = work.view?.(names) ?? hostView(names, out, { dryRun, readOnly });
    const ask = questions(flags, async () => {
      // A question cannot stand in a list that is drawn over.
      await view.end();
      view = hostView(names, out, { dryRun, readOnly }, { lines: true });
    });
    const record = dryRun || readOnly ? undefined : this.#record(out, fleet);
    const retry = (hosts: string[]): string =>
      together ? command(['airferry', ...this.#words()]) : this.#retry(hosts, record);
    return this.interruptible(
      () => view.stopping(),
      async signal => {
        const onEvent: HostsOptions['onEvent'] = event => {
          record?.onEvent(event);
          view.onEvent(event);
        };
        const breakLock = flags['break-lock'] ?? false;
        const more = { ...hostsOptions(flags), ...(ask ? { ask } : {}) };
        const options = { fleet, waves, breakLock, ...more, signal, onEvent };
        const result = await action(options).finally(() => view.end());
        const failure = summaryError(result, retry);
        const error = signal.aborted ? (signal.reason as AirferryError) : failure;
        record?.finish(result, error);
        if (record?.kept) out.note(`Record of this run: ${record.folder}`);
        return error ? { result, error } : { result };
      },
    );
  }

  /** As `end`; where the view has told why each host failed, the error at the end does not tell it again. */
  protected endHosts<Result extends HostsResult>(out: Output, ending: Ending<Result>): void {
    const { error, result, asked } = ending;
    const told = !out.json && (asked || !out.quiet) && result.hosts.length > 1;
    this.end(out, told && error ? { ...ending, error: withoutList(error) } : ending);
  }

  /** The hosts that the last run, or the one that is named, did not bring to their end. */
  #again(out: Output, flags: WaveFlags, fleet: SiteFleet): SiteFleet {
    if (!flags['retry-failed']) return fleet;
    const { name, run } = findRun(this.#name(), flags.run);
    const open = new Set(unfinished(run));
    const members = fleet.members.filter(({ target }) => open.has(target.name));
    if (members.length === 0) out.note(`No host is left to be tried again from the run ${name}.`);
    return { ...fleet, members };
  }

  #record(out: Output, fleet: SiteFleet): RunRecord {
    const { version } = this.config;
    const onTrouble = (message: string): void => out.warn(message);
    return new RunRecord({ command: this.#name(), argv: this.#words(), version, fleet, onTrouble });
  }

  /** The command that tries again on these hosts. */
  #retry(hosts: string[], record: RunRecord | undefined): string {
    if (!record?.kept || hosts.length <= MOST_NAMED) return retryCommand(this.#words(), hosts);
    const words = this.#words();
    return command(['airferry', ...words, ...(words.includes('--retry-failed') ? [] : ['--retry-failed'])]);
  }

  #name(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }

  #words(): string[] {
    return [...this.#name().split(' '), ...this.argv];
  }
}

/** `1 of 3 hosts failed, 2 are done`, without the lines that follow. */
function withoutList({ code, message, where, suggestions, cause }: AirferryError): AirferryError {
  const headline = (message.split('\n', 1)[0] ?? '').replace(/:$/, '');
  return new AirferryError(code, headline, { where, suggestions, cause });
}
