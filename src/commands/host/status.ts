/** `airferry host status`: how hosts are. */
import { hostStatus } from '../../actions/host-status.ts';
import { hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { statusView } from '../../cli/views/host-status.ts';

export default class HostStatus extends HostCommand {
  static override summary = 'Ask hosts what they run, and how far that is from what was installed.';
  static override examples = [
    { description: 'One host, in detail', command: '<%= config.bin %> host status --host ops@10.77.0.11' },
    { description: 'A fleet, a line each', command: '<%= config.bin %> host status -F fleet.yaml' },
    {
      description: 'The hosts that drifted, for a script',
      command:
        "<%= config.bin %> host status -F fleet.yaml --json | jq -r '.hosts[] | select(.drift != []) | .name'",
    },
  ];
  static override flags = { ...hostFlags };

  async run(): Promise<void> {
    const { flags } = await this.parse(HostStatus);
    const out = this.output(flags);
    const ending = await this.onHosts(out, flags, { readOnly: true, action: hostStatus });
    this.endHosts(out, { ...ending, view: statusView, asked: true });
  }
}
