/** `airferry fleet list`: what a fleet file comes to. */
import { fleetList } from '../../actions/fleet-list.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fleetFlags, hostFlags } from '../../cli/flags.ts';
import { fleetListView } from '../../cli/views/fleet.ts';

export default class FleetList extends BaseCommand {
  static override summary = 'Show the hosts of a fleet with everything that applies to them.';
  static override description =
    'What a host says itself goes before its groups, later groups before earlier ones, and those before the defaults; ' +
    "flags go before all of them, and ssh's configuration after. No host is spoken to.";
  static override examples = [
    { description: 'All hosts of fleet.yaml', command: '<%= config.bin %> fleet list' },
    {
      description: 'The hosts that a limit means, for a script',
      command: "<%= config.bin %> fleet list --limit 'workers,!node07' --json | jq -r '.hosts[].name'",
    },
  ];
  static override flags = {
    ...fleetFlags,
    host: hostFlags.host,
    limit: hostFlags.limit,
    user: hostFlags.user,
    identity: hostFlags.identity,
    'ssh-config': hostFlags['ssh-config'],
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(FleetList);
    const out = this.output(flags);
    const result = await fleetList({
      fleetFile: flags.fleet,
      hosts: flags.host,
      limit: flags.limit,
      user: flags.user,
      identities: flags.identity,
      sshConfig: flags['ssh-config'],
    });
    for (const warning of result.warnings) out.warn(warning);
    this.end(out, { result, view: fleetListView, asked: true });
  }
}
