/** `airferry bundle create`: a recipe becomes a bundle. */
import * as Flags from '@oclif/core/flags';
import { createBundle } from '../../actions/bundle-create.ts';
import { openSecretKey } from '../../actions/bundle-sign.ts';
import { parsePartSize } from '../../bundle/parts/sizes.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fetchFlags, fetchOptions, recipeFlags, variables } from '../../cli/fetch-flags.ts';
import { partFlags } from '../../cli/flags.ts';
import { SIGN_PASSWORD, signPassword, trustedKeyFlag } from '../../cli/sign-flags.ts';
import { createdView } from '../../cli/views/bundle.ts';
import { loadRecipe } from '../../config/recipe.ts';
import { forPlatforms } from '../../config/recipe-platforms.ts';

export default class BundleCreate extends BaseCommand {
  static override summary = 'Pack what a recipe names into one bundle.';
  static override description =
    'The bundle is one tar: a valid OCI archive and a valid docker-archive, read in place and never unpacked. ' +
    'The same inputs give the same bytes. What the recipe leaves to publishers and registries is fetched, kept in a cache, and ' +
    'pinned in bundle.lock.yaml beside it.';
  static override examples = [
    {
      description: 'Pack the recipe of this folder',
      command: '<%= config.bin %> bundle create -f bundle.yaml -o site.tar',
    },
    {
      description: 'Smaller and faster, for engines that read zstd (23.0 and newer)',
      command: '<%= config.bin %> bundle create -f bundle.yaml -o site.tar --compression zstd',
    },
    {
      description: 'In CI: nothing but what the lock pins, or nothing at all',
      command: '<%= config.bin %> bundle create -o site.tar --locked',
    },
  ];
  static override flags = {
    ...recipeFlags,
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
    base: Flags.string({
      summary: 'A bundle or layout that the far side has: what is in it is left out. May be repeated.',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'DELTA',
    }),
    receipt: Flags.string({
      summary: 'What the far side has, as airferry receipt create wrote it there. May be repeated.',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: 'DELTA',
    }),
    platform: Flags.string({
      summary: "Only for this one of the recipe's platforms, as linux/arm64. May be repeated.",
      helpValue: 'OS/ARCH',
      multiple: true,
      multipleNonGreedy: true,
    }),
    locked: Flags.boolean({
      summary: 'Resolve nothing new: what the lock does not pin is an error.',
      helpGroup: 'FETCHING',
    }),
    ...fetchFlags,
    ...partFlags,
    ...trustedKeyFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(BundleCreate);
    const out = this.output(flags);
    const { output, compression, sign, parity, 'part-size': size } = flags;
    const parts =
      size === undefined ? undefined : { partSize: parsePartSize(size), parity: parity !== undefined };
    const whole = await loadRecipe(flags.file, { set: variables(flags.set) });
    const recipe = flags.platform === undefined ? whole : forPlatforms(whole, flags.platform);
    const fetch = { ...fetchOptions(flags), locked: flags.locked };
    const opened =
      sign === undefined
        ? undefined
        : await openSecretKey(sign, () => signPassword(`Password of ${sign}`, '--sign'));
    const result = await this.track(out, 'Packing', work =>
      createBundle({
        recipe,
        output,
        compression,
        fetch,
        ...(opened && { sign: opened }),
        ...(parts && { parts }),
        trustedKeys: flags['trusted-key'],
        bases: flags.base,
        receipts: flags.receipt,
        ...work,
      }),
    );
    for (const warning of [...(opened?.warnings ?? []), ...result.warnings]) out.warn(warning);
    this.end(out, { result, view: createdView, asked: false });
  }
}
