/** `airferry bundle update`: the lock moves to what there is now. */
import * as Args from '@oclif/core/args';
import { updateBundle } from '../../actions/bundle-update.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fetchFlags, fetchOptions, recipeFlags, variables } from '../../cli/fetch-flags.ts';
import { dryRunFlag } from '../../cli/flags.ts';
import { updatedView } from '../../cli/views/lock.ts';
import { loadRecipe } from '../../config/recipe.ts';

export default class BundleUpdate extends BaseCommand {
  static override summary = 'Find anew what a recipe leaves to others, and move its lock there.';
  static override description =
    'Tags of images are resolved again. Files of publishers are fetched by version, and stay what they are pinned to unless ' +
    'they are named. What the recipe does not name any more leaves the lock.';
  static override examples = [
    { description: 'See which tags have moved', command: '<%= config.bin %> bundle update --dry-run' },
    { description: 'Take the new nginx, and nothing else', command: '<%= config.bin %> bundle update nginx' },
    {
      description: 'Pin an engine anew that its publisher has replaced',
      command: '<%= config.bin %> bundle update engine',
    },
  ];
  static override strict = false;
  static override args = {
    name: Args.string({
      description: 'An image, a component (engine, compose, crictl ...) or a file; all images when absent.',
      ignoreStdin: true,
    }),
  };
  static override flags = { ...recipeFlags, ...fetchFlags, ...dryRunFlag };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BundleUpdate);
    const out = this.output(flags);
    const recipe = await loadRecipe(flags.file, { set: variables(flags.set) });
    const options = { recipe, names: argv as string[], dryRun: flags['dry-run'], fetch: fetchOptions(flags) };
    const result = await this.track(out, 'Asking', work => updateBundle({ ...options, ...work }));
    for (const warning of result.warnings) out.warn(warning);
    this.end(out, { result, view: updatedView, asked: true });
  }
}
