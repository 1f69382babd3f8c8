/** Our line in /etc/hosts: put there in the place of another one of ours, or taken out. */
import type { HostChange } from '../host/state.ts';
import { ETC_HOSTS, hostsScript, ourLines } from './etc-hosts.ts';
import type { BareContext } from './phase.ts';

export interface HostsLinePlan {
  changes: string[];
  made: HostChange[];
  run(): Promise<void>;
}

/** `line`: undefined for none. The plan is undefined where it is so already. */
export function planHostsLine(context: BareContext, line: string | undefined): HostsLinePlan | undefined {
  const { state, survey, shell } = context;
  const recorded = state.changes.find(change => change.kind === 'hosts-line');
  const there = ourLines(survey.contents.get(ETC_HOSTS)?.split('\n') ?? []);
  // The operator's file ended without a newline: as it is now, or as it was before our line went in.
  const openEnded = recorded?.kind === 'hosts-line' ? recorded.line.startsWith('\n') : survey.hostsOpenEnded;
  const write = (): Promise<unknown> =>
    shell.run(hostsScript(line, openEnded), { root: true, title: `write ${ETC_HOSTS}` });
  if (line !== undefined) {
    if (recorded && there.length === 1 && there[0] === line) return undefined;
    return {
      changes: [`add to ${ETC_HOSTS}: ${line}`],
      made: [{ kind: 'hosts-line', line: `${openEnded ? '\n' : ''}${line}` }],
      async run() {
        await write();
      },
    };
  }
  if (!recorded) return undefined;
  return {
    changes: there.map(text => `remove from ${ETC_HOSTS}: ${text}`),
    made: [],
    async run() {
      if (there.length > 0) await write();
      const changes = context.state.changes.filter(({ kind }) => kind !== 'hosts-line');
      context.state = { ...context.state, changes };
    },
  };
}
