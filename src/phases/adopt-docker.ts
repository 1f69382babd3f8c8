/**
 * Take over a Docker that somebody else installed: its data root and its daemon.json stay in use, its packages stay where
 * they are, and its units no longer start anything. Nothing stops here: that happens as the new engine starts.
 */
import { command } from '../host/quote.ts';
import type { HostChange } from '../host/state.ts';
import type { HostContext, Phase } from './phase.ts';

/** In the order in which they are to be started again. */
export const DOCKER_UNITS = ['containerd.service', 'docker.socket', 'docker.service'];

/** `meant`: the operator has asked for it; without that the check of the host refuses such a host. */
export function adoptDocker(meant: boolean): Phase {
  return {
    name: 'adopt-docker',
    plan(context) {
      const { shell, facts } = context;
      if (!meant || !isForeign(context)) return undefined;
      const units = unitsOf(context);
      const version = context.survey.engine?.version ?? facts.binaries.dockerd?.version ?? '';
      const enabled = units.filter(unit => unit.enabled).map(({ name }) => name);
      const made: HostChange = { kind: 'adopted', version, units };
      return {
        changes: [
          `take over Docker${version === '' ? '' : ` ${version}`}: its data and its daemon.json stay, its programs are not used`,
          ...enabled.map(name => `disable ${name} as it is now`),
        ],
        made: [made],
        async run() {
          const lines = ['set -e'];
          if (enabled.length > 0)
            lines.push(command(['systemctl', 'disable', '--quiet', '--no-reload', ...enabled]));
          // Else a package that is updated would start the socket again, and it the engine. A file there is a site's own.
          if (units.some(({ name }) => name === 'docker.socket'))
            lines.push('systemctl mask --quiet --no-reload docker.socket 2>/dev/null || :');
          await shell.run(lines.join('\n'), { root: true, title: 'disable the units that are here' });
        },
      };
    },
  };
}

function isForeign({ state, facts, wanted }: HostContext): boolean {
  if (!wanted.engine || state.release || state.changes.some(({ kind }) => kind === 'adopted')) return false;
  const { dockerd } = facts.binaries;
  const ours = new Set(state.files.map(({ path }) => path));
  const units = facts.units.filter(path => /\/docker\.(?:service|socket)$/.test(path) && !ours.has(path));
  return (
    units.length > 0 ||
    facts.processes.dockerd > 0 ||
    (dockerd !== undefined && dockerd.origin.kind !== 'airferry')
  );
}

function unitsOf({ survey }: HostContext): { name: string; enabled: boolean; active: boolean }[] {
  return DOCKER_UNITS.flatMap(name => {
    const unit = survey.units.get(name);
    if (!unit || unit.enabled === '') return [];
    return { name, enabled: unit.enabled.startsWith('enabled'), active: unit.active === 'active' };
  });
}
