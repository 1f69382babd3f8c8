/** `airferry bundle inspect`: what is in a bundle. */
import * as Flags from '@oclif/core/flags';
import { bundleCycloneDx, bundleHtml, bundleManifest, inspectBundle } from '../../actions/bundle-inspect.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { bundleFrom, bundleSourceFlags, fileArgument } from '../../cli/flags.ts';
import { bundleReport, writtenView } from '../../cli/views/bundle-inspect.ts';
import { bundleTree } from '../../cli/views/bundle-tree.ts';
import { writeWhole } from '../../support/write-file.ts';

const SHAPES = ['json', 'tree', 'html', 'cyclonedx', 'manifest'];
/** A flag for one shape of what is shown, which excludes the others. */
const shape = (name: string, summary: string) =>
  Flags.boolean({ summary, exclusive: SHAPES.filter(other => other !== name) });

export default class BundleInspect extends BaseCommand {
  static override summary = 'Show what is inside a bundle.';
  static override description =
    'Engine, compose, units, daemon.json, images with their signatures, SBOMs and attestations, and files. SIZE is ' +
    'what the layers of an image take in the bundle, UNIQUE what of that no other image has. Nothing is hashed: see ' +
    '`airferry bundle verify`.';
  static override examples = [
    { description: 'Look inside', command: '<%= config.bin %> bundle inspect site.tar' },
    {
      description: 'A page for the browser, which needs no network',
      command: '<%= config.bin %> bundle inspect site.tar --html -o site.html',
    },
    {
      description: 'A software bill of materials',
      command: '<%= config.bin %> bundle inspect site.tar --cyclonedx -o site.cdx.json',
    },
    {
      description: 'The names of its images, for a script',
      command: "<%= config.bin %> bundle inspect site.tar --json | jq -r '.images[].names[]'",
    },
  ];
  static override args = { bundle: fileArgument('The bundle.') };
  static override flags = {
    tree: shape('tree', 'As a tree: each layer below its image, each signature below what it is about.'),
    html: shape(
      'html',
      'As a page of HTML that is whole in itself: images, shared layers, sizes as a picture.',
    ),
    cyclonedx: shape('cyclonedx', 'As a software bill of materials: CycloneDX 1.6, JSON.'),
    manifest: shape('manifest', 'Print the manifest as it is, byte for byte: what signatures are over.'),
    output: Flags.string({
      char: 'o',
      summary: 'Write it to a file instead; one of that name is replaced once the new one is whole.',
      helpValue: 'FILE',
      relationships: [{ type: 'some', flags: ['html', 'cyclonedx'] }],
    }),
    ...bundleSourceFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleInspect);
    const out = this.output(flags);
    const options = { path: args.bundle, from: bundleFrom(flags), airferry: this.config.version };
    if (flags.manifest) {
      process.stdout.write(await bundleManifest(options));
      return;
    }
    if (flags.html || flags.cyclonedx) {
      const text = flags.html ? await bundleHtml(options) : await this.#cyclonedx(options);
      if (flags.output === undefined) process.stdout.write(text);
      else {
        await writeWhole(flags.output, text);
        const result = { path: flags.output, size: Buffer.byteLength(text) };
        this.end(out, { result, view: writtenView, asked: false });
      }
      return;
    }
    const result = await inspectBundle(options);
    this.end(out, { result, view: flags.tree ? bundleTree : bundleReport, asked: true });
  }

  async #cyclonedx(options: Parameters<typeof bundleCycloneDx>[0]): Promise<string> {
    const bom = await this.interruptible(
      () => undefined,
      signal => bundleCycloneDx({ ...options, signal }),
    );
    return `${JSON.stringify(bom, undefined, 2)}\n`;
  }
}
