/** `airferry host uninstall`: hosts become what they were. */
import * as Flags from '@oclif/core/flags';
import type { SiteFleet } from '../../actions/fleet.ts';
import { hostUninstall } from '../../actions/host-uninstall.ts';
import { dryRunFlag, hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { confirm } from '../../cli/prompts.ts';
import { hostsView, namesOf } from '../../cli/views/hosts.ts';
import { lockFlag, waveFlags } from '../../cli/wave-flags.ts';

export default class HostUninstall extends HostCommand {
  static override summary = 'Remove exactly what was installed, and put back what was there before.';
  static override description =
    'Images, containers and volumes stay unless --purge is given. A host on which containers run is refused ' +
    'unless --stop-containers is given.';
  static override examples = [
    {
      description: 'See what would go',
      command: '<%= config.bin %> host uninstall --host ops@10.77.0.11 --dry-run',
    },
    {
      description: 'Uninstall one host of a fleet, with its containers, images and volumes',
      command: '<%= config.bin %> host uninstall -F fleet.yaml --host h1 --stop-containers --purge',
    },
  ];
  static override flags = {
    purge: Flags.boolean({ summary: 'Delete images, containers and volumes too.' }),
    'stop-containers': Flags.boolean({ summary: 'Stop the containers that run.' }),
    ...dryRunFlag,
    ...waveFlags,
    ...lockFlag,
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(HostUninstall);
    const out = this.output(flags);
    const { purge, yes, 'dry-run': dryRun, 'stop-containers': stopContainers } = flags;
    const before = async ({ members }: SiteFleet): Promise<void> => {
      if (dryRun || members.length === 0) return;
      const hosts = namesOf(members.map(({ target }) => target));
      const also = purge ? ', and delete all its images, containers and volumes' : '';
      await confirm(`Remove the engine from ${hosts}${also}?`, { yes });
    };
    const ending = await this.onHosts(out, flags, {
      dryRun,
      before,
      action: options => hostUninstall({ ...options, dryRun, purge, stopContainers }),
    });
    this.endHosts(out, { ...ending, view: hostsView, asked: dryRun });
  }
}
