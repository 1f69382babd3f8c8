/** `airferry image list`: which images a source has. */
import { listImages } from '../../actions/image-list.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { sourceArgument } from '../../cli/flags.ts';
import { imageListView } from '../../cli/views/images.ts';

export default class ImageList extends BaseCommand {
  static override summary = 'List the images of a bundle, an archive or a layout.';
  static override examples = [
    { description: 'Of a bundle', command: '<%= config.bin %> image list site.tar' },
    {
      description: 'Of what `docker save` wrote, compressed or not',
      command: '<%= config.bin %> image list mysql.tar.gz',
    },
  ];
  static override args = { source: sourceArgument };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageList);
    const out = this.output(flags);
    const result = await this.track(out, 'Reading', work => listImages({ source: args.source, ...work }));
    this.end(out, { result, view: imageListView, asked: true });
  }
}
