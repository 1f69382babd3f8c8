/** The end of an uninstall on a host whose Docker was taken over: its own units start it again, as they did before. */
import { command } from '../host/quote.ts';
import type { BareContext, Phase } from './phase.ts';

/** Milliseconds: an engine with many containers takes its time. */
const TIMEOUT_MS = 5 * 60_000;

export const returnDocker: Phase<BareContext> = {
  name: 'return-docker',
  plan({ state, shell }) {
    const adopted = state.changes.find(change => change.kind === 'adopted');
    if (adopted?.kind !== 'adopted') return undefined;
    const { units, version } = adopted;
    const enabled = units.filter(unit => unit.enabled).map(({ name }) => name);
    const active = units.filter(unit => unit.active).map(({ name }) => name);
    return {
      changes: [
        ...enabled.map(name => `enable ${name} as it was`),
        ...active.map(name => `start ${name} of Docker ${version}`.trimEnd()),
      ],
      async run() {
        const lines = [
          'set -e',
          'systemctl unmask --quiet docker.socket 2>/dev/null || :',
          'systemctl daemon-reload',
        ];
        if (enabled.length > 0) lines.push(command(['systemctl', 'enable', '--quiet', ...enabled]));
        if (active.length > 0) lines.push(command(['systemctl', 'start', ...active]));
        await shell.run(lines.join('\n'), {
          root: true,
          title: 'start the Docker that was here',
          timeoutMs: TIMEOUT_MS,
        });
      },
    };
  },
};
