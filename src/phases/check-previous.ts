/** Before a rollback touches anything: the release and its configuration lie there whole, and containers can go along. */
import { AirferryError } from '../errors.ts';
import type { Generation } from '../host/state.ts';
import { describeTarget } from '../host/target.ts';
import { backupPath } from './backups.ts';
import { preflightError } from './check-host.ts';
import { orphaning } from './checks/upgrade.ts';
import type { EngineContext, Phase } from './phase.ts';
import { releaseIsWhole } from './release-state.ts';

/** `unasked`: the way back from a change that failed, which is taken whatever runs. */
export function checkPrevious({ files, links, release }: Generation, unasked = false): Phase<EngineContext> {
  return {
    name: 'check-previous',
    plan(context) {
      const { survey, shell, wanted, facts, state, findings } = context;
      const broken = files.find(file => {
        const kept = survey.paths.get(backupPath(file));
        return kept?.kind !== 'file' || kept.sha256 !== file.sha256;
      });
      const host = describeTarget(shell.target);
      // Of a release that the state knows no programs of, none are missing.
      const whole = wanted.engine?.release.files.length && releaseIsWhole(context, wanted.engine);
      if (!whole) throw gone(shell.target.name, `${release.path} on ${host} is not as it was laid out`);
      if (broken)
        throw gone(shell.target.name, `the copy of ${broken.path} that was kept on ${host} is gone`);
      const compose = links.find(({ target }) => {
        const now = survey.paths.get(target);
        const recorded = state.files.find(({ path }) => path === target)?.sha256;
        return now?.kind !== 'file' || now.sha256 !== recorded;
      });
      if (compose) throw gone(shell.target.name, `${compose.target} on ${host} is not as it was laid out`);
      const found = orphaning(state.release?.version, release.version, facts.processes.shims);
      if (!unasked) {
        findings.push(...found);
        const error = preflightError(shell.target, found);
        if (error) throw error;
      }
      return { changes: [], run: async () => undefined };
    },
  };
}

function gone(host: string, what: string): AirferryError {
  return new AirferryError('HOST_PREFLIGHT', `there is no way back: ${what}`, {
    where: { host },
    suggestions: [
      'Install a bundle with the engine that you want: airferry host install -b FILE --allow-downgrade.',
    ],
  });
}
