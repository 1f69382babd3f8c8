/** `airferry fleet check`: is a fleet file right. */
import { fleetCheck } from '../../actions/fleet-list.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fleetFlags, hostFlags } from '../../cli/flags.ts';
import { fleetCheckView } from '../../cli/views/fleet.ts';

export default class FleetCheck extends BaseCommand {
  static override summary = 'Find out whether a fleet file is right, and speak to no host.';
  static override description =
    'Exit status 3 when it is not, with file, line and column of every mistake. Hosts themselves are checked by ' +
    '`airferry host check`.';
  static override examples = [
    { description: 'Check fleet.yaml', command: '<%= config.bin %> fleet check' },
    { description: 'Check another file', command: '<%= config.bin %> fleet check -F plant-7.yaml' },
  ];
  static override flags = { ...fleetFlags, 'ssh-config': hostFlags['ssh-config'] };

  async run(): Promise<void> {
    const { flags } = await this.parse(FleetCheck);
    const out = this.output(flags);
    const result = await fleetCheck({ fleetFile: flags.fleet, sshConfig: flags['ssh-config'] });
    for (const warning of result.warnings) out.warn(warning);
    this.end(out, { result, view: fleetCheckView, asked: false });
  }
}
