/** `airferry bundle create`: a recipe becomes a bundle. */
import { Flags } from '@oclif/core';
import { createBundle } from '../../actions/bundle-create.ts';
import { openSecretKey } from '../../actions/bundle-sign.ts';
import { parsePartSize } from '../../bundle/parts/sizes.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { partFlags } from '../../cli/flags.ts';
import { SIGN_PASSWORD, signPassword } from '../../cli/sign-flags.ts';
import { createdView } from '../../cli/views/bundle.ts';
import { loadRecipe } from '../../config/recipe.ts';

export default class BundleCreate extends BaseCommand {
  static override summary = 'Pack what a recipe names into one bundle.';
  static override description =
    'The bundle is one tar: a valid OCI archive and a valid docker-archive, read in place and never unpacked. ' +
    'The same inputs give the same bytes. What the recipe left open is pinned in bundle.lock.yaml beside it.';
  static override examples = [
    {
      description: 'Pack the recipe of this folder',
      command: '<%= config.bin %> bundle create -f bundle.yaml -o site.tar',
    },
    {
      description: 'Smaller and faster, for engines that read zstd (23.0 and newer)',
      command: '<%= config.bin %> bundle create -f bundle.yaml -o site.tar --compression zstd',
    },
  ];
  static override flags = {
    file: Flags.string({ char: 'f', summary: 'The recipe.', helpValue: 'FILE', default: 'bundle.yaml' }),
    output: Flags.string({
      char: 'o',
      summary: 'The bundle. A file of that name is replaced once the new one is whole.',
      helpValue: 'FILE',
      required: true,
    }),
    compression: Flags.option({
      options: ['gzip', 'zstd', 'none'] as const,
      summary: 'For layers that come uncompressed. [default: what the recipe says, else gzip]',
    })(),
    sign: Flags.string({
      summary: `Sign it with this secret key; its password is asked for, or taken from ${SIGN_PASSWORD}.`,
      helpValue: 'KEY',
    }),
    ...partFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(BundleCreate);
    const out = this.output(flags);
    const { output, compression, sign, parity, 'part-size': size } = flags;
    const parts = size === undefined ? undefined : { partSize: parsePartSize(size), parity: parity !== undefined };
    const recipe = await loadRecipe(flags.file);
    const opened =
      sign === undefined
        ? undefined
        : await openSecretKey(sign, () => signPassword(`Password of ${sign}`, '--sign'));
    const result = await this.track(out, 'Packing', work =>
      createBundle({
        recipe,
        output,
        compression,
        ...(opened && { sign: opened }),
        ...(parts && { parts }),
        ...work,
      }),
    );
    for (const warning of [...(opened?.warnings ?? []), ...result.warnings]) out.warn(warning);
    this.end(out, { result, view: createdView, asked: false });
  }
}
