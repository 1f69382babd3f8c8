/** `airferry bundle diff`: what is different between two bundles. */
import { diffBundles } from '../../actions/bundle-diff.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { bundleSourceFlags, fileArgument } from '../../cli/flags.ts';
import { diffView } from '../../cli/views/bundle-diff.ts';

export default class BundleDiff extends BaseCommand {
  static override summary = 'Show what is new in a bundle, against another one.';
  static override description =
    'Engine, compose, daemon.json, units, images and files that were added, removed or changed; and how many blobs a ' +
    'delta between the two would carry. Nothing is hashed.';
  static override examples = [
    {
      description: 'What an update brings',
      command: '<%= config.bin %> bundle diff site-2026.10.tar site-2026.11.tar',
    },
    {
      description: 'Names of the images that it changes, for a script',
      command:
        '<%= config.bin %> bundle diff a.tar b.tar --json | jq -r \'.changes[] | select(.what == "image") | .name\'',
    },
  ];
  static override args = {
    first: fileArgument('The bundle that was.'),
    second: fileArgument('The bundle that is to be.'),
  };
  static override flags = { parts: bundleSourceFlags.parts };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleDiff);
    const result = diffBundles(args.first, args.second, { parts: flags.parts });
    this.end(this.output(flags), { result, view: diffView, asked: true });
  }
}
