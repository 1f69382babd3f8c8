/** What the commands on hosts do the same: find the hosts, show them at work, say which to try again. */
import { resolveFleet, type SiteFleet } from '../actions/fleet.ts';
import type { HostsOptions, HostsResult } from '../actions/host-results.ts';
import { summaryError } from '../actions/host-summary.ts';
import { AirferryError } from '../errors.ts';
import { BaseCommand, type Ending } from './base-command.ts';
import { hostView } from './host-view.ts';
import type { Output } from './output.ts';
import { type HostFlags, hostsOptions, reachOptions, retryCommand } from './reach.ts';

export interface HostWork<Result extends HostsResult> {
  dryRun?: boolean;
  /** It only asks. */
  readOnly?: boolean;
  /** Before any host is spoken to; a throw ends the command. */
  before?: (fleet: SiteFleet) => Promise<void>;
  action: (options: HostsOptions) => Promise<Result>;
}

export abstract class HostCommand extends BaseCommand {
  /** Run an action on the hosts that the flags name. A host that fails is in the result, and makes an error of it. */
  protected async onHosts<Result extends HostsResult>(
    out: Output,
    flags: HostFlags,
    { dryRun = false, readOnly = false, before, action }: HostWork<Result>,
  ): Promise<{ result: Result; error?: AirferryError }> {
    const fleet = await resolveFleet(await reachOptions(flags));
    await before?.(fleet);
    const names = fleet.members.map(({ target }) => target.name);
    const view = hostView(names, out, { dryRun, readOnly });
    return this.interruptible(
      () => view.stopping(),
      async signal => {
        const onEvent: HostsOptions['onEvent'] = event => view.onEvent(event);
        const options = { fleet, ...hostsOptions(flags), signal, onEvent };
        const result = await action(options).finally(() => view.end());
        const error = summaryError(result, hosts => retryCommand(this.#words(), hosts));
        return { result, error: signal.aborted ? (signal.reason as AirferryError) : error };
      },
    );
  }

  /** As `end`; where the view has told why each host failed, the error at the end does not tell it again. */
  protected endHosts<Result extends HostsResult>(out: Output, ending: Ending<Result>): void {
    const { error, result, asked } = ending;
    const told = !out.json && (asked || !out.quiet) && result.hosts.length > 1;
    this.end(out, told && error ? { ...ending, error: withoutList(error) } : ending);
  }

  #words(): string[] {
    return [...(this.id ?? '').split(':'), ...this.argv];
  }
}

/** `1 of 3 hosts failed, 2 are done`, without the lines that follow. */
function withoutList({ code, message, where, suggestions, cause }: AirferryError): AirferryError {
  const headline = (message.split('\n', 1)[0] ?? '').replace(/:$/, '');
  return new AirferryError(code, headline, { where, suggestions, cause });
}
