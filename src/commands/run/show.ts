/** `airferry run show`: how one run went. */
import * as Args from '@oclif/core/args';
import { showRun } from '../../actions/run-list.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { runView } from '../../cli/views/runs.ts';

export default class RunShow extends BaseCommand {
  static override summary = 'Show how a run went on each host.';
  static override examples = [
    { description: 'The last run', command: '<%= config.bin %> run show' },
    {
      description: 'The hosts that failed in it, for a script',
      command:
        '<%= config.bin %> run show --json | jq -r \'.hosts[] | select(.outcome == "failed") | .name\'',
    },
  ];
  static override args = {
    run: Args.string({ description: 'Its name; without one, the last run.', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RunShow);
    const out = this.output(flags);
    this.end(out, { result: showRun(args.run), view: runView, asked: true });
  }
}
