/** `airferry host check`: can hosts take it. */
import { Flags } from '@oclif/core';
import { hostCheck } from '../../actions/host-check.ts';
import { hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { checkView } from '../../cli/views/host-check.ts';

export default class HostCheck extends HostCommand {
  static override summary = 'Find out whether hosts can take an engine, and change nothing.';
  static override description =
    'Architecture, kernel, cgroups, overlay, iptables, systemd, free space, an engine that is there already, ' +
    'SELinux, firewalld and ports: each finding comes with its fix. Exit status 8 when an install would fail, ' +
    '5 when it would on some hosts only.';
  static override examples = [
    {
      description: 'Check two hosts for what a bundle needs',
      command: '<%= config.bin %> host check -b site.tar --host ops@10.77.0.11 --host ops@10.77.0.12',
    },
    { description: 'Check a fleet', command: '<%= config.bin %> host check -b site.tar -F fleet.yaml' },
  ];
  static override flags = {
    bundle: Flags.string({
      char: 'b',
      summary: 'The bundle to be installed; without it the space that it needs is not known.',
      helpValue: 'FILE',
    }),
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HostCheck);
    const out = this.output(flags);
    const ending = await this.onHosts(out, flags, {
      readOnly: true,
      action: options => hostCheck({ ...options, bundle: flags.bundle }),
    });
    this.endHosts(out, { ...ending, view: checkView, asked: true });
  }
}
