/** `airferry cache prune`: make room. */
import * as Flags from '@oclif/core/flags';
import { pruneCacheFolder } from '../../actions/cache.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { cacheFlag } from '../../cli/fetch-flags.ts';
import { dryRunFlag } from '../../cli/flags.ts';
import { parseAge, parseSize } from '../../cli/quantities.ts';
import { prunedView } from '../../cli/views/cache.ts';

export default class CachePrune extends BaseCommand {
  static override summary = 'Remove what was kept of earlier fetches.';
  static override description =
    'Without a flag all that was of no use for 30 days goes. Nothing in the cache is the only copy: it is fetched again when ' +
    'it is wanted.';
  static override examples = [
    {
      description: 'What was of no use for a week',
      command: '<%= config.bin %> cache prune --older-than 7d',
    },
    { description: 'All but the latest 20 GB', command: '<%= config.bin %> cache prune --keep 20GB' },
    { description: 'See what would go', command: '<%= config.bin %> cache prune --all --dry-run' },
  ];
  static override flags = {
    'older-than': Flags.string({
      summary: 'What was of no use for so long: 12h, 30d, 8w. [default: 30d]',
      helpValue: 'AGE',
    }),
    keep: Flags.string({
      summary: 'What was of use last stays, up to this size: 500MB, 20GB.',
      helpValue: 'SIZE',
    }),
    all: Flags.boolean({ summary: 'Everything.', exclusive: ['older-than', 'keep'] }),
    ...cacheFlag,
    ...dryRunFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(CachePrune);
    const out = this.output(flags);
    const { cache: folder, 'dry-run': dryRun, all, keep } = flags;
    const age = flags['older-than'] ?? (all || keep !== undefined ? undefined : '30d');
    const result = await pruneCacheFolder({
      folder,
      dryRun,
      ...(age !== undefined && { olderThan: parseAge(age, '--older-than') }),
      ...(keep !== undefined && { keep: parseSize(keep, '--keep') }),
    });
    this.end(out, { result, view: prunedView, asked: dryRun });
  }
}
