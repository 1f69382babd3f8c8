/** `airferry bundle inspect`: what is in a bundle. */
import { Flags } from '@oclif/core';
import { bundleManifest, inspectBundle } from '../../actions/bundle-inspect.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fileArgument } from '../../cli/flags.ts';
import { bundleReport } from '../../cli/views/bundle-inspect.ts';

export default class BundleInspect extends BaseCommand {
  static override summary = 'Show what is inside a bundle.';
  static override description =
    'Engine, compose, units, daemon.json, images and files. SIZE is what the layers of an image take in the ' +
    'bundle, UNIQUE what of that no other image has. Nothing is hashed: see `airferry bundle verify`.';
  static override examples = [
    { description: 'Look inside', command: '<%= config.bin %> bundle inspect site.tar' },
    {
      description: 'The names of its images, for a script',
      command: "<%= config.bin %> bundle inspect site.tar --json | jq -r '.images[].names[]'",
    },
  ];
  static override args = { bundle: fileArgument('The bundle.') };
  static override flags = {
    manifest: Flags.boolean({
      summary: 'Print the manifest as it is, byte for byte: what signatures are over.',
      exclusive: ['json'],
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleInspect);
    if (flags.manifest) {
      process.stdout.write(bundleManifest(args.bundle));
      return;
    }
    const result = await inspectBundle({ path: args.bundle });
    this.end(this.output(flags), { result, view: bundleReport, asked: true });
  }
}
