/** Enable and start the units; restart those for which something was changed, now or by a run that was interrupted. */
import { command } from '../host/quote.ts';
import { plural } from '../support/format.ts';
import { dockerScript } from './docker-cli.ts';
import type { BareContext, EngineContext, Phase, Reporter } from './phase.ts';

const ENGINE = 'docker.service';
const SOCKET = 'docker.socket';
/** Seconds that a running engine gets to take a setting over. */
const TAKE_OVER_S = 10;

export const startEngine: Phase<EngineContext> = {
  name: 'start-engine',
  plan(context, report) {
    const { wanted, survey, state, shell } = context;
    if (!wanted.engine) return undefined;
    const { unitNames } = wanted.engine;
    // Units of the same names, of a Docker that was taken over, were disabled since the host was looked at.
    const adopted = context.done.some(({ phase }) => phase === 'adopt-docker');
    const disabled = unitNames.filter(unit => adopted || survey.units.get(unit)?.enabled !== 'enabled');
    const stopped = unitNames.filter(unit => survey.units.get(unit)?.active !== 'active');
    const pending = unitNames.filter(unit => !stopped.includes(unit) && state.pending?.includes(unit));
    const moved = unitNames.filter(unit => stopped.includes(unit) || pending.includes(unit));
    const reload = unitNames.filter(unit => !moved.includes(unit) && state.reload?.includes(unit));
    if (disabled.length + moved.length + reload.length === 0) return undefined;
    if (pending.includes(ENGINE) && !state.trial) warnOfRestart(context, report.note);
    // Of a Docker that was taken over; ours makes its socket itself.
    const socket = !unitNames.includes(SOCKET) && survey.units.get(SOCKET)?.active === 'active';
    const first = pending.includes(ENGINE) && turnsLiveRestoreOn(context);
    return {
      changes: [
        ...disabled.map(unit => `enable ${unit}`),
        ...(first ? ['turn live-restore on in the running engine first'] : []),
        ...(socket ? [`stop ${SOCKET}`] : []),
        ...stopped.map(unit => `start ${unit}`),
        ...pending.map(unit => `restart ${unit}`),
        ...reload.map(unit => `reload ${unit}`),
      ],
      async run(own) {
        if (first) await turnLiveRestoreOn(context, own);
        const lines = ['set -e'];
        if (disabled.length > 0)
          lines.push(command(['systemctl', 'enable', '--quiet', '--no-reload', ...disabled]));
        lines.push('systemctl daemon-reload');
        if (socket) lines.push(command(['systemctl', 'stop', SOCKET]));
        if (moved.length > 0) {
          lines.push(`${command(['systemctl', 'reset-failed', ...moved])} 2>/dev/null || :`);
          // The next phase waits, with more patience and better words than systemctl has.
          lines.push(command(['systemctl', 'restart', '--no-block', ...moved]));
        }
        if (reload.length > 0) lines.push(command(['systemctl', 'reload', ...reload]));
        await shell.run(lines.join('\n'), { root: true, title: 'start the units' });
      },
    };
  },
};

/** Whether the containers' survival hangs on a setting that the running engine does not have yet, but can take over. */
function turnsLiveRestoreOn({ survey, state }: BareContext): boolean {
  const { trial } = state;
  return trial?.live === true && trial.containers.length > 0 && survey.engine?.liveRestore === false;
}

/**
 * The new daemon.json lies there by now: of it the running engine takes over what it can without a restart, live-restore
 * among it, unless there is a key that it does not know. Then its containers stop as it does.
 */
async function turnLiveRestoreOn(context: BareContext, report: Reporter): Promise<void> {
  const script = dockerScript(`systemctl reload ${ENGINE} 2>/dev/null || exit 0
deadline=$(($(date +%s) + ${TAKE_OVER_S}))
while [ "$(date +%s)" -lt $deadline ]; do
  if [ "$(docker info --format '{{.LiveRestoreEnabled}}' 2>/dev/null)" = true ]; then echo on; exit 0; fi
  sleep 0.2 2>/dev/null || sleep 1
done`);
  const { stdout } = await context.shell.run(script, { root: true, title: 'turn live-restore on' });
  const { trial } = context.state;
  if (stdout.trim() === 'on' || !trial) return;
  report.note('the running engine does not take live-restore over: its containers stop as it restarts');
  context.state = { ...context.state, trial: { ...trial, live: false } };
}

/** Units are never killed as a group, but a daemon that is told to stop stops its containers, unless live-restore is on. */
function warnOfRestart({ survey }: BareContext, note: (text: string) => void): void {
  const { engine } = survey;
  if (!engine || engine.containers.running === 0 || engine.liveRestore) return;
  note(
    `${plural(engine.containers.running, 'container')} running: the engine stops them as it restarts, and starts those ` +
      'with a restart policy again; "live-restore": true in daemon.json would keep them running',
  );
}
