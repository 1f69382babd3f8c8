/** Wait until the engine answers; if it does not come up, say what its log says. */
import { AirferryError } from '../errors.ts';
import { command } from '../host/quote.ts';
import { describeTarget } from '../host/target.ts';
import { dockerScript, setTimeLimit } from './docker-cli.ts';
import { ASK_ENGINE, parseEngineSaid } from './engine-answer.ts';
import type { BareContext, EngineContext, Phase } from './phase.ts';

const PATIENCE_S = 120;
const NOT_READY = 3;
const LOG_LINES = 12;
/** Seconds since when the log tells of this start, and not of an earlier one. */
const BEGAN_S = 15;

export const waitReady: Phase<EngineContext> = {
  name: 'wait-ready',
  plan(context) {
    const { engine } = context.wanted;
    const { state, survey } = context;
    const running = engine?.unitNames.every(unit => survey.units.get(unit)?.active === 'active');
    if (!engine || (running && survey.engine && !state.pending?.length && !state.reload?.length))
      return undefined;
    return {
      changes: [],
      async run(report) {
        const result = await context.shell.run(waitScript(engine.unitNames), {
          root: true,
          check: false,
          title: 'wait for the engine',
          timeoutMs: (PATIENCE_S + 60) * 1000,
          ...(context.signal ? { signal: context.signal } : {}),
        });
        if (result.status === NOT_READY) throw notReady(context, result.stdout);
        if (result.status !== 0) throw context.shell.failure('wait for the engine', result);
        const { pending: _, reload: __, ...settled } = context.state;
        context.state = settled;
        context.said = parseEngineSaid(result.stdout);
        report.note(`engine ${context.said.engine?.version ?? 'of an unknown version'} answers`);
      },
    };
  },
};

/**
 * Prints what the engine says, or the end of the units' log. `start` comes back as soon as units that are being started
 * have started or failed; from then on they are asked, since systemd may be starting them anew. `is-active` prints
 * "active", and nothing else, for a unit that is.
 */
function waitScript(units: readonly string[]): string {
  const names = command(units);
  return dockerScript(`${ASK_ENGINE}
began=$(($(date +%s) - ${BEGAN_S}))
deadline=$(($(date +%s) + ${PATIENCE_S}))
${setTimeLimit(10)}
if [ -n "$t" ]; then timeout ${PATIENCE_S} systemctl start ${names} 2>/dev/null; fi
while :; do
  ready=1
  for a in $(systemctl is-active ${names}); do
    if [ "$a" = failed ]; then deadline=0; fi
    if [ "$a" != active ]; then ready=0; fi
  done
  if [ $ready = 1 ] && ask_engine $t; then exit 0; fi
  if [ "$(date +%s)" -ge $deadline ]; then break; fi
  sleep 0.2 2>/dev/null || sleep 1
done
# With both --since and -n, some versions give the first lines.
journalctl --no-pager -o cat --since=@$began ${units.map(unit => `-u ${unit}`).join(' ')} 2>/dev/null | tail -n 60
exit ${NOT_READY}`);
}

function notReady({ shell }: BareContext, log: string): AirferryError {
  const lines = log.split('\n').filter(line => /\S/.test(line));
  const telling = lines.filter(isTelling);
  const said = (telling.length > 0 ? telling : lines).slice(-LOG_LINES);
  const shown = [...new Set(said)].map(line => `  ${line.slice(0, 300)}`).join('\n');
  return new AirferryError(
    'ENGINE_NOT_READY',
    `the engine on ${describeTarget(shell.target)} does not come up${shown ? `; the end of its log:\n${shown}` : ''}`,
    {
      where: { host: shell.target.name },
      suggestions: [
        'Look at all of it on the host: journalctl -u docker -u containerd',
        'When the cause is mended, run the same command again: it goes on from here.',
      ],
    },
  );
}

/** systemd's own lines about restarts push the one that matters out of sight. */
function isTelling(line: string): boolean {
  return /level=(?:error|fatal)|unable to|failed to start daemon|panic|unknown (?:shorthand )?flag/i.test(
    line,
  );
}
