/** `airferry image import`: a root file system becomes an image. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { importImage } from '../../actions/image-import.ts';
import { targetLocation } from '../../actions/image-words.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { dryRunFlag, fileArgument } from '../../cli/flags.ts';
import { accessOf, createProjectsFlag, forceFlag, registryAccessFlags } from '../../cli/image-access.ts';
import { importedView } from '../../cli/views/retagged.ts';

export default class ImageImport extends BaseCommand {
  static override summary = 'Make an image of a root file system.';
  static override description =
    'As docker import does: the tar becomes the only layer. It may be plain or compressed with gzip or zstd. The same ' +
    'tar, flags and time of creation give the same image ID.';
  static override examples = [
    {
      description: 'What `docker export` wrote',
      command:
        '<%= config.bin %> image import rootfs.tar site/tool:1 -o tool.tar --change \'CMD ["/bin/tool"]\' --change "ENV MODE=plant"',
    },
    {
      description: 'Into the registry',
      command: '<%= config.bin %> image import rootfs.tar.gz site/tool:1 -o docker://hub.company.com/',
    },
  ];
  static override args = {
    rootfs: fileArgument('A tar of a root file system.'),
    name: Args.string({ description: 'The name of the image.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'Where the image goes: an archive, or any place as in `image copy`.',
      helpValue: 'PLACE',
      required: true,
    }),
    change: Flags.string({
      char: 'c',
      summary:
        'A Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, WORKDIR … May be repeated.',
      helpValue: 'INSTRUCTION',
      multiple: true,
      multipleNonGreedy: true,
    }),
    platform: Flags.string({
      summary: 'The platform. [default: what the binaries are for]',
      helpValue: 'OS/ARCH',
    }),
    message: Flags.string({ char: 'm', summary: "A line for the image's history.", helpValue: 'TEXT' }),
    created: Flags.string({
      summary: 'The time of creation, as 2026-11-20T12:00:00Z. [default: $SOURCE_DATE_EPOCH, else now]',
      helpValue: 'TIME',
    }),
    compression: Flags.option({
      options: ['gzip', 'zstd', 'none'] as const,
      summary: 'For a tar that is not compressed. [default: gzip]',
    })(),
    ...forceFlag,
    ...dryRunFlag,
    ...registryAccessFlags,
    ...createProjectsFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImageImport);
    const out = this.output(flags);
    const { change: changes, platform, message, created, compression, 'dry-run': dryRun } = flags;
    const { rootfs, name } = args;
    const target = targetLocation(flags.output);
    const asked = { rootfs, name, target, changes, platform, message, created, compression, dryRun };
    const result = await this.track(out, dryRun ? 'Reading' : 'Importing', work =>
      importImage({ ...accessOf(flags), ...asked, ...work }),
    );
    this.end(out, { result, view: importedView, asked: dryRun });
  }
}
