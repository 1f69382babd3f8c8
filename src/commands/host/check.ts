/** `airferry host check`: can hosts take it. */
import * as Flags from '@oclif/core/flags';
import { hostCheck } from '../../actions/host-check.ts';
import { bundleFrom, bundleSourceFlags, hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { trustedKeyFlag, trustFrom } from '../../cli/sign-flags.ts';
import { checkView } from '../../cli/views/host-check.ts';
import { lockFlag } from '../../cli/wave-flags.ts';

export default class HostCheck extends HostCommand {
  static override summary = 'Find out whether hosts can take an engine, and change nothing.';
  static override description =
    'Architecture, kernel and how it was built, cgroups, overlay, iptables, systemd, free space, an engine or packages ' +
    'that are there already, networks that clash, name servers, limits, SELinux, AppArmor, firewalls, ports, the clock, ' +
    'and whether hosts of a fleet are clones: each finding says why it matters and what to do. Exit status 8 when an install would fail, ' +
    '5 when it would on some hosts only.';
  static override examples = [
    {
      description: 'Check two hosts for what a bundle needs',
      command: '<%= config.bin %> host check -b site.tar --host ops@10.77.0.11 --host ops@10.77.0.12',
    },
    {
      description: 'See what --fix would do',
      command: '<%= config.bin %> host check -b site.tar -F fleet.yaml --fix --dry-run',
    },
    { description: 'Check a fleet', command: '<%= config.bin %> host check -b site.tar -F fleet.yaml' },
  ];
  static override flags = {
    bundle: Flags.string({
      char: 'b',
      summary: 'The bundle to be installed; without it the space that it needs is not known.',
      helpValue: 'FILE',
    }),
    fix: Flags.boolean({
      summary: 'Do what is safe of the advice: IP forwarding, modules. Uninstall undoes it.',
      dependsOn: ['bundle'],
    }),
    'dry-run': Flags.boolean({
      summary: 'With --fix: say what it would change, and change nothing.',
      dependsOn: ['fix'],
    }),
    ...trustedKeyFlag,
    ...bundleSourceFlags,
    ...lockFlag,
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HostCheck);
    const out = this.output(flags);
    const { fix, 'dry-run': dryRun } = flags;
    const ending = await this.onHosts(out, flags, {
      readOnly: !fix,
      dryRun,
      action: options =>
        hostCheck({
          ...options,
          bundle: flags.bundle,
          from: bundleFrom(flags),
          ...trustFrom(flags, out),
          fix,
          dryRun,
        }),
    });
    this.endHosts(out, { ...ending, view: checkView, asked: true });
  }
}
