/** `airferry image inspect`: all that is known of images. */
import { inspectImages } from '../../actions/image-inspect.ts';
import { sourceLocation } from '../../actions/image-words.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { bundleSourceFlags, onlyFlag, placeArgument, sshFlags } from '../../cli/flags.ts';
import { accessOf, platformFlag, referrersFlag, registryAccessFlags } from '../../cli/image-access.ts';
import { engineLogin } from '../../cli/reach.ts';
import { imageReport } from '../../cli/views/image-inspect.ts';

export default class ImageInspect extends BaseCommand {
  static override summary = 'Show digests, platform, layers and configuration of images.';
  static override description =
    'Nothing is unpacked, and no layer is fetched. With --verbose each layer tells which step made it.';
  static override examples = [
    { description: 'Of an archive', command: '<%= config.bin %> image inspect mysql.tar' },
    {
      description: 'Of a registry, with the signatures and SBOMs about it',
      command: '<%= config.bin %> image inspect docker://hub.company.com/app:2 --referrers',
    },
  ];
  static override args = { source: placeArgument };
  static override flags = {
    ...onlyFlag,
    ...platformFlag,
    ...referrersFlag,
    ...registryAccessFlags,
    ...bundleSourceFlags,
    ...sshFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageInspect);
    const out = this.output(flags);
    const source = sourceLocation(args.source, 'docker-daemon');
    const { only, platform: platforms, referrers } = flags;
    const login = await engineLogin(flags, [source]);
    const result = await this.track(out, 'Reading', work =>
      inspectImages({ ...accessOf(flags), login, only, platforms, referrers, source, ...work }),
    );
    this.end(out, { result, view: imageReport, asked: true });
  }
}
