/** Stop and disable the units that airferry wrote; dockerd before containerd. */
import { UNIT_DIR } from '../engine/units.ts';
import { command } from '../host/quote.ts';
import type { BareContext, Phase } from './phase.ts';

const UNITS = ['docker.socket', 'docker.service', 'containerd.service'];
/** Milliseconds: dockerd gives its containers time to end. */
const TIMEOUT_MS = 5 * 60_000;

export const stopEngine: Phase<BareContext> = {
  name: 'stop-engine',
  plan({ state, survey, shell }) {
    const ours = UNITS.filter(unit => state.files.some(file => file.path === `${UNIT_DIR}/${unit}`));
    const running = ours.filter(unit => !['inactive', undefined].includes(survey.units.get(unit)?.active));
    const enabled = ours.filter(unit => survey.units.get(unit)?.enabled === 'enabled');
    if (running.length + enabled.length === 0) return undefined;
    return {
      changes: [...running.map(unit => `stop ${unit}`), ...enabled.map(unit => `disable ${unit}`)],
      async run() {
        const lines = ['set -e'];
        if (running.length > 0) lines.push(...running.map(unit => command(['systemctl', 'stop', unit])));
        if (enabled.length > 0) lines.push(command(['systemctl', 'disable', '--quiet', ...enabled]));
        lines.push(`${command(['systemctl', 'reset-failed', ...ours])} 2>/dev/null || :`);
        await shell.run(lines.join('\n'), { root: true, title: 'stop the units', timeoutMs: TIMEOUT_MS });
      },
    };
  },
};
