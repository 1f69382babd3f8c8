/** `airferry run list`: what was done to hosts from here. */
import { runSummaries } from '../../actions/run-list.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { runListView } from '../../cli/views/runs.ts';

export default class RunList extends BaseCommand {
  static override summary = 'List the runs that changed hosts, the latest first.';
  static override description =
    'Each install, rollback and uninstall leaves a folder below $XDG_STATE_HOME/airferry/runs (or ~/.local/state): ' +
    'how every host fared, and a log for each. They may be deleted at any time.';
  static override examples = [
    {
      description: 'The runs from this machine in which hosts failed',
      command: "<%= config.bin %> run list --json | jq -r '.runs[] | select(.outcomes.failed) | .name'",
    },
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(RunList);
    const out = this.output(flags);
    this.end(out, { result: runSummaries(), view: runListView, asked: true });
  }
}
