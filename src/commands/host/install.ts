/** `airferry host install`: hosts become what a bundle says. */
import * as Flags from '@oclif/core/flags';
import { hostInstall } from '../../actions/host-install.ts';
import { bundleFrom, bundleSourceFlags, dryRunFlag, hostFlags, registryFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { trustedKeyFlag, trustFrom } from '../../cli/sign-flags.ts';
import { hostsView } from '../../cli/views/hosts.ts';
import { lockFlag, waveFlags } from '../../cli/wave-flags.ts';

export default class HostInstall extends HostCommand {
  static override summary = 'Make hosts what a bundle says: engine, configuration and images.';
  static override description =
    'The first run installs, the next one changes nothing, a newer bundle upgrades. One host that fails stops only ' +
    'itself; the summary has the command that tries it again. What was installed is recorded on the host, and ' +
    '`airferry host uninstall` takes exactly that away. After every change the engine and the containers that ran are ' +
    'checked; what does not stand that is rolled back, with exit status 9.';
  static override examples = [
    {
      description: 'Install one host, and meet it for the first time',
      command:
        '<%= config.bin %> host install -b site.tar --host ops@10.77.0.11 --accept-new --ask-sudo-password',
    },
    {
      description: 'See what would change in a fleet',
      command: '<%= config.bin %> host install -b site.tar -F fleet.yaml --dry-run',
    },
    {
      description:
        'Install a fleet, one host first, then a quarter at a time, until more than three have failed',
      command:
        '<%= config.bin %> host install -b site.tar -F fleet.yaml --canary 1 --batch 25% --max-failures 3',
    },
    {
      description: 'Try again on the hosts that the last run did not bring to an end',
      command: '<%= config.bin %> host install -b site.tar -F fleet.yaml --retry-failed',
    },
  ];
  static override flags = {
    bundle: Flags.string({ char: 'b', summary: 'The bundle.', helpValue: 'FILE', required: true }),
    'no-images': Flags.boolean({ summary: "Leave the bundle's images out." }),
    'allow-downgrade': Flags.boolean({
      summary: 'Install an engine that is older than the one on the host.',
    }),
    adopt: Flags.boolean({
      summary:
        'Take over a Docker that airferry did not install, with its data and settings; uninstall gives it back.',
    }),
    rollback: Flags.boolean({
      summary: 'Go back to the release before when the new one does not come up, or containers do not.',
      default: true,
      allowNo: true,
    }),
    ...trustedKeyFlag,
    ...bundleSourceFlags,
    ...dryRunFlag,
    ...registryFlags,
    ...waveFlags,
    ...lockFlag,
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HostInstall);
    const out = this.output(flags);
    const dryRun = flags['dry-run'];
    const ending = await this.onHosts(out, flags, {
      dryRun,
      action: options =>
        hostInstall({
          ...options,
          bundle: flags.bundle,
          from: bundleFrom(flags),
          ...trustFrom(flags, out),
          dryRun,
          skipImages: flags['no-images'],
          allowDowngrade: flags['allow-downgrade'],
          adopt: flags.adopt,
          rollback: flags.rollback,
        }),
    });
    this.endHosts(out, { ...ending, view: hostsView, asked: dryRun });
  }
}
