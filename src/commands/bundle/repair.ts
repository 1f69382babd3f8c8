/** `airferry bundle repair`: a lost part is made anew. */
import * as Flags from '@oclif/core/flags';
import { repairBundle } from '../../actions/bundle-repair.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { bundleSourceFlags, fileArgument } from '../../cli/flags.ts';
import { repairedView } from '../../cli/views/parts.ts';

export default class BundleRepair extends BaseCommand {
  static override summary = 'Make a lost or damaged part of a bundle anew.';
  static override description =
    'It takes all other parts and the parity part, which --parity 1 writes. All of them are hashed first, and the new ' +
    'part gets its name only when it is, byte for byte, the one that was lost.';
  static override examples = [
    { description: 'Beside the others', command: '<%= config.bin %> bundle repair site.tar.001' },
    {
      description: 'From read-only media',
      command: '<%= config.bin %> bundle repair /mnt/dvd1/site.tar.001 --parts /mnt/dvd2 -o /tmp',
    },
  ];
  static override args = {
    part: fileArgument('Any part of the bundle, or the name that all parts begin with.'),
  };
  static override flags = {
    parts: bundleSourceFlags.parts,
    output: Flags.string({
      char: 'o',
      summary: 'The folder for the new part. [default: that of the named part]',
      helpValue: 'DIR',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleRepair);
    const out = this.output(flags);
    const { parts, output } = flags;
    const result = await this.track(out, 'Hashing parts', work =>
      repairBundle({ path: args.part, parts, output, ...work }),
    );
    this.end(out, { result, view: repairedView, asked: false });
  }
}
