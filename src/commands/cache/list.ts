/** `airferry cache list`: what was kept of earlier fetches. */
import { listCache } from '../../actions/cache.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { cacheFlag } from '../../cli/fetch-flags.ts';
import { cacheView } from '../../cli/views/cache.ts';

export default class CacheList extends BaseCommand {
  static override summary = 'List what was kept of earlier fetches, what was of use last first.';
  static override examples = [
    { description: 'How large it is', command: '<%= config.bin %> cache list --json | jq .size' },
  ];
  static override flags = { ...cacheFlag };

  async run(): Promise<void> {
    const { flags } = await this.parse(CacheList);
    const out = this.output(flags);
    const result = await listCache(flags.cache);
    this.end(out, { result, view: cacheView, asked: true });
  }
}
