/** `airferry host status`: how hosts are. */
import * as Flags from '@oclif/core/flags';
import { resolveFleet } from '../../actions/fleet.ts';
import { hostStatus } from '../../actions/host-status.ts';
import { hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import type { Output } from '../../cli/output.ts';
import { type HostFlags, hostsOptions, reachOptions } from '../../cli/reach.ts';
import { watchStatus } from '../../cli/status-watch.ts';
import { statusView } from '../../cli/views/host-status.ts';
import { EXIT } from '../../errors.ts';

const DEFAULT_INTERVAL_S = 5;

export default class HostStatus extends HostCommand {
  static override summary = 'Ask hosts what they run, and how far that is from what was installed.';
  static override description =
    'Versions, what changed since airferry wrote it (by hash), storage, containers, disk: in which hosts differ stands ' +
    'below the table.';
  static override examples = [
    { description: 'One host, in detail', command: '<%= config.bin %> host status --host ops@10.77.0.11' },
    { description: 'A fleet, a line each', command: '<%= config.bin %> host status -F fleet.yaml' },
    {
      description: 'Write down what changes in a fleet, a look each minute',
      command: '<%= config.bin %> host status -F fleet.yaml --watch --interval 60',
    },
    {
      description: 'The hosts that drifted, for a script',
      command:
        "<%= config.bin %> host status -F fleet.yaml --json | jq -r '.hosts[] | select(.drift != []) | .name'",
    },
  ];
  static override flags = {
    watch: Flags.boolean({
      char: 'w',
      summary: 'Look again and again: a screen on a terminal, else a line for each change.',
      exclusive: ['json'],
    }),
    interval: Flags.integer({
      summary: 'Seconds between two looks. Default 5.',
      helpValue: 'SECONDS',
      min: 1,
      max: 86_400,
      dependsOn: ['watch'],
    }),
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HostStatus);
    const out = this.output(flags);
    if (flags.watch) return this.#watch(out, flags);
    const ending = await this.onHosts(out, flags, { readOnly: true, action: hostStatus });
    this.endHosts(out, { ...ending, view: statusView, asked: true });
  }
  async #watch(out: Output, flags: HostFlags & { interval?: number }): Promise<void> {
    const fleet = await resolveFleet(await reachOptions(flags));
    const everyMs = (flags.interval ?? DEFAULT_INTERVAL_S) * 1000;
    const ended = await this.interruptible(
      () => undefined,
      async signal => {
        const ask = () => hostStatus({ fleet, ...hostsOptions(flags), signal });
        await watchStatus({ out, everyMs, signal, ask });
        return signal.aborted;
      },
    );
    // Ctrl-C is how a watch is meant to end: scripts see it by the status, nobody has to read of it.
    if (ended) process.exitCode = EXIT.interrupted;
  }
}
