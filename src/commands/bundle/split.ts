/** `airferry bundle split`: a bundle becomes parts for smaller media. */
import * as Flags from '@oclif/core/flags';
import { splitBundle } from '../../actions/bundle-split.ts';
import { parsePartSize } from '../../bundle/parts/sizes.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fileArgument, partFlags } from '../../cli/flags.ts';
import { splitView } from '../../cli/views/parts.ts';

export default class BundleSplit extends BaseCommand {
  static override summary = 'Cut a bundle into parts.';
  static override description =
    'Each part says of itself which bundle it is of, which part it is, and what it hashes to. Every command that takes ' +
    'a bundle reads it from its parts, where they lie, on one disk or on several: name any part, and the folders of ' +
    'the others with --parts. Nothing is joined, and nothing is copied.';
  static override examples = [
    {
      description: 'For a disk with FAT32',
      command: '<%= config.bin %> bundle split site.tar --part-size fat32',
    },
    {
      description: 'For DVDs, of which one may be lost',
      command: '<%= config.bin %> bundle split site.tar --part-size dvd --parity 1 -o parts/',
    },
    {
      description: 'On the far side, from two drives',
      command: '<%= config.bin %> bundle verify /mnt/dvd1/site.tar.001 --parts /mnt/dvd2',
    },
  ];
  static override args = { bundle: fileArgument('The bundle.') };
  static override flags = {
    ...partFlags,
    'part-size': Flags.string({
      summary: 'Bytes of a part at most: 4GB, 700MiB, or cd, dvd, fat32.',
      helpValue: 'SIZE',
      required: true,
    }),
    output: Flags.string({
      char: 'o',
      summary:
        'What the names of the parts begin with, or a folder and a slash. [default: the name of the bundle]',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleSplit);
    const out = this.output(flags);
    const { output, parity, 'part-size': size } = flags;
    const partSize = parsePartSize(size);
    const result = await this.track(out, 'Cutting', work =>
      splitBundle({ path: args.bundle, output, partSize, parity: parity !== undefined, ...work }),
    );
    this.end(out, { result, view: splitView, asked: false });
  }
}
