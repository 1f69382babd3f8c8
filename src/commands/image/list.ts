/** `airferry image list`: which images a source has. */
import { listImages } from '../../actions/image-list.ts';
import { sourceLocation } from '../../actions/image-words.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { bundleSourceFlags, placeArgument, sshFlags } from '../../cli/flags.ts';
import { accessOf, platformFlag, referrersFlag, registryAccessFlags } from '../../cli/image-access.ts';
import { engineLogin } from '../../cli/reach.ts';
import { imageListView } from '../../cli/views/images.ts';

export default class ImageList extends BaseCommand {
  static override summary = 'List the images of a bundle, an archive, a layout, a registry or an engine.';
  static override examples = [
    { description: 'Of a bundle', command: '<%= config.bin %> image list site.tar' },
    {
      description: 'Of what `docker save` wrote, compressed or not',
      command: '<%= config.bin %> image list mysql.tar.gz',
    },
    {
      description: 'Of a part of a registry',
      command: '<%= config.bin %> image list docker://hub.company.com/team/',
    },
  ];
  static override args = { source: placeArgument };
  static override flags = {
    ...platformFlag,
    ...referrersFlag,
    ...registryAccessFlags,
    ...bundleSourceFlags,
    ...sshFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageList);
    const out = this.output(flags);
    const source = sourceLocation(args.source, 'docker-daemon');
    const { platform: platforms, referrers } = flags;
    const login = await engineLogin(flags, [source]);
    const result = await this.track(out, 'Reading', work =>
      listImages({ ...accessOf(flags), login, platforms, referrers, source, ...work }),
    );
    this.end(out, { result, view: imageListView, asked: true });
  }
}
