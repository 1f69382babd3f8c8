/** `airferry image load`: images into engines. */
import { imageLoad } from '../../actions/image-load.ts';
import { dryRunFlag, hostFlags, onlyFlag, sourceArgument } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { hostsView } from '../../cli/views/hosts.ts';

export default class ImageLoad extends HostCommand {
  static override summary = 'Load images into the engines of hosts; only layers that they lack are sent.';
  static override examples = [
    {
      description: 'All images of an archive into two hosts',
      command: '<%= config.bin %> image load mysql.tar --host ops@10.77.0.11 --host ops@10.77.0.12',
    },
    {
      description: 'One image of a bundle into a fleet',
      command: '<%= config.bin %> image load site.tar --only nginx:1.25 -F fleet.yaml',
    },
  ];
  static override args = { source: sourceArgument };
  static override flags = { ...onlyFlag, ...dryRunFlag, ...hostFlags };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageLoad);
    const out = this.output(flags);
    const { only, 'dry-run': dryRun } = flags;
    const ending = await this.onHosts(out, flags, {
      dryRun,
      action: options => imageLoad({ ...options, source: args.source, only, dryRun }),
    });
    this.endHosts(out, { ...ending, view: hostsView, asked: dryRun });
  }
}
