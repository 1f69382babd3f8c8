/** `airferry image load`: images into the container runtimes of hosts. */
import * as Flags from '@oclif/core/flags';
import { imageLoad } from '../../actions/image-load.ts';
import {
  bundleFrom,
  bundleSourceFlags,
  dryRunFlag,
  hostFlags,
  onlyFlag,
  sourceArgument,
} from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { trustedKeyFlag, trustFrom } from '../../cli/sign-flags.ts';
import { imageLoadView } from '../../cli/views/image-load.ts';

const RUNTIMES = ['auto', 'docker', 'containerd', 'podman', 'nerdctl', 'crio'] as const;
const WAYS = ['auto', 'archive', 'pull'] as const;

export default class ImageLoad extends HostCommand {
  static override summary = 'Load images into the runtimes of hosts; only layers that they lack are sent.';
  static override description =
    `Docker's own store is sent an archive without the layers that it has. Every other store \
(Docker's containerd store, containerd, podman, CRI-O) pulls what it lacks, straight out of the file here, through a port \
that SSH forwards from the host's loopback while it lasts. Where sshd forbids that, whole archives are sent. Either way \
the image is inspected afterwards. Where Docker or containerd keeps images by containerd, digests survive; Docker's own \
store knows no digests of images that were loaded.`;
  static override examples = [
    {
      description: 'All images of an archive into two hosts',
      command: '<%= config.bin %> image load mysql.tar --host ops@10.77.0.11 --host ops@10.77.0.12',
    },
    {
      description: 'One image of a bundle into a fleet',
      command: '<%= config.bin %> image load site.tar --only nginx:1.25 -F fleet.yaml',
    },
    {
      description: 'What would be sent to a host with containerd alone',
      command: '<%= config.bin %> image load site.tar --runtime containerd --dry-run --host ops@10.77.0.11',
    },
  ];
  static override args = { source: sourceArgument };
  static override flags = {
    ...onlyFlag,
    runtime: Flags.option({
      summary: 'Whose images: Docker where it is, else what the host has.',
      options: RUNTIMES,
      default: 'auto' as const,
    })(),
    namespace: Flags.string({
      summary: 'The namespace of containerd and nerdctl. Default k8s.io, that of Kubernetes.',
      helpValue: 'NAME',
    }),
    via: Flags.option({
      summary: 'How images go: as an archive, or pulled by the host through a forwarded port.',
      options: WAYS,
      default: 'auto' as const,
    })(),
    ...trustedKeyFlag,
    ...bundleSourceFlags,
    ...dryRunFlag,
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageLoad);
    const out = this.output(flags);
    const { only, namespace, runtime, via, 'dry-run': dryRun } = flags;
    const ending = await this.onHosts(out, flags, {
      dryRun,
      action: options =>
        imageLoad({
          ...options,
          source: args.source,
          from: bundleFrom(flags),
          ...trustFrom(flags, out),
          only,
          dryRun,
          runtime,
          via,
          ...(namespace === undefined ? {} : { namespace }),
        }),
    });
    this.endHosts(out, { ...ending, view: imageLoadView, asked: dryRun });
  }
}
