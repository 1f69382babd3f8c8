/** Enable and start the units; restart those for which something was changed, now or by a run that was interrupted. */
import { command } from '../host/quote.ts';
import { plural } from '../support/format.ts';
import type { HostContext, Phase } from './phase.ts';

export const startEngine: Phase = {
  name: 'start-engine',
  plan(context, report) {
    const { wanted, survey, state, shell } = context;
    if (!wanted.engine) return undefined;
    const { unitNames } = wanted.engine;
    const disabled = unitNames.filter(unit => survey.units.get(unit)?.enabled !== 'enabled');
    const stopped = unitNames.filter(unit => survey.units.get(unit)?.active !== 'active');
    const pending = unitNames.filter(unit => !stopped.includes(unit) && state.pending?.includes(unit));
    if (disabled.length + stopped.length + pending.length === 0) return undefined;
    if (pending.includes('docker.service')) warnOfRestart(context, report.note);
    return {
      changes: [
        ...disabled.map(unit => `enable ${unit}`),
        ...stopped.map(unit => `start ${unit}`),
        ...pending.map(unit => `restart ${unit}`),
      ],
      async run() {
        const moved = unitNames.filter(unit => stopped.includes(unit) || pending.includes(unit));
        const lines = ['set -e'];
        if (disabled.length > 0)
          lines.push(command(['systemctl', 'enable', '--quiet', '--no-reload', ...disabled]));
        lines.push('systemctl daemon-reload');
        if (moved.length > 0) {
          lines.push(`${command(['systemctl', 'reset-failed', ...moved])} 2>/dev/null || :`);
          // The next phase waits, with more patience and better words than systemctl has.
          lines.push(command(['systemctl', 'restart', '--no-block', ...moved]));
        }
        await shell.run(lines.join('\n'), { root: true, title: 'start the units' });
      },
    };
  },
};

/** Units are never killed as a group, but a daemon that is told to stop stops its containers, unless live-restore is on. */
function warnOfRestart({ survey }: HostContext, note: (text: string) => void): void {
  const { engine } = survey;
  if (!engine || engine.containers.running === 0 || engine.liveRestore) return;
  note(
    `${plural(engine.containers.running, 'container')} running: the engine stops them as it restarts, and starts those ` +
      'with a restart policy again; "live-restore": true in daemon.json would keep them running',
  );
}
