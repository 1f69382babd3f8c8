/** The preflight of an install: errors stop it before anything is changed, warnings are said. */
import { AirferryError } from '../errors.ts';
import { describeTarget, type HostTarget } from '../host/target.ts';
import { plural } from '../support/format.ts';
import { checkHost } from './checks/check.ts';
import type { CheckInput } from './checks/input.ts';
import type { Finding } from './finding.ts';
import type { HostContext, Phase } from './phase.ts';
import { spaceNeeded } from './space-needed.ts';

/** `dataRoot` is where images will lie; `meant`: what the operator has said is meant; `together`: what other hosts show. */
export function checkPhase(
  recorded: HostContext['state'] | undefined,
  dataRoot: string,
  meant: Pick<CheckInput, 'allowDowngrade' | 'adopt'> = {},
  together: readonly Finding[] = [],
): Phase {
  return {
    name: 'check-host',
    async plan(context, report) {
      const { facts, wanted, survey, findings, shell } = context;
      const found = checkHost({
        facts,
        wanted,
        survey,
        dataRoot,
        ...meant,
        space: await spaceNeeded(context),
        ...(recorded ? { state: recorded } : {}),
        ...(wanted.registry ? { registry: wanted.registry } : {}),
      });
      found.push(...together);
      findings.push(...found);
      for (const { level, title, fix } of found) if (level === 'warn') report.note(`${title}. ${fix}`);
      const error = preflightError(shell.target, found);
      if (error) throw error;
      return { changes: [], run: async () => undefined };
    },
  };
}

/** HOST_PREFLIGHT with every error among the findings; undefined when there is none. */
export function preflightError(target: HostTarget, findings: readonly Finding[]): AirferryError | undefined {
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.length === 0) return undefined;
  const titles = errors.map(({ title }) => title);
  const message =
    titles.length === 1
      ? `${describeTarget(target)}: ${titles[0]}`
      : `${describeTarget(target)} has ${plural(titles.length, 'problem')}:\n${titles.map(title => `  ${title}`).join('\n')}`;
  return new AirferryError('HOST_PREFLIGHT', message, {
    where: { host: target.name },
    suggestions: errors.flatMap(({ fix }) => (fix === '' ? [] : [fix])),
  });
}
