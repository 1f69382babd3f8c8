/** `airferry host rollback`: hosts go back to the release before. */
import * as Flags from '@oclif/core/flags';
import { hostRollback } from '../../actions/host-rollback.ts';
import { dryRunFlag, hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { hostsView } from '../../cli/views/hosts.ts';
import { lockFlag, waveFlags } from '../../cli/wave-flags.ts';

export default class HostRollback extends HostCommand {
  static override summary =
    'Go back to the engine that was there before, with the configuration that it had.';
  static override description =
    'The release before the current one stays on a host, and all that goes with it comes back as it was, byte for byte: ' +
    'units, daemon.json, compose, the files of the recipe, the CA of the registry and its line in /etc/hosts. Images, ' +
    'containers and volumes are left alone. A second rollback goes forward again; with --to a run that finds the host ' +
    'there already changes nothing.';
  static override examples = [
    {
      description: 'See what would change',
      command: '<%= config.bin %> host rollback -F fleet.yaml --dry-run',
    },
    {
      description: 'Take a fleet back to an engine, one host first',
      command: '<%= config.bin %> host rollback -F fleet.yaml --to 20.10.24 --canary 1',
    },
  ];
  static override flags = {
    to: Flags.string({
      summary: 'The version or the name of a release that is kept; default the one before the current.',
      helpValue: 'VERSION',
    }),
    ...dryRunFlag,
    ...waveFlags,
    ...lockFlag,
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HostRollback);
    const out = this.output(flags);
    const { to, 'dry-run': dryRun } = flags;
    const ending = await this.onHosts(out, flags, {
      dryRun,
      action: options => hostRollback({ ...options, dryRun, ...(to === undefined ? {} : { to }) }),
    });
    this.endHosts(out, { ...ending, view: hostsView, asked: dryRun });
  }
}
