/** The end of the engine's log, for whoever has to find out why it does not do what it should. */
import { command } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';

const LINES = 20;
const TIMEOUT_MS = 30_000;

/** The last lines of the units' journal, each indented; empty where there is no journal. Never throws for the host. */
export async function engineLog(shell: Shell, units: readonly string[]): Promise<string> {
  const words = [
    'journalctl',
    '--no-pager',
    '-o',
    'short',
    '-n',
    String(LINES),
    ...units.flatMap(unit => ['-u', unit]),
  ];
  const { stdout } = await shell.run(`${command(words)} 2>/dev/null`, {
    root: true,
    check: false,
    title: 'read the journal',
    timeoutMs: TIMEOUT_MS,
  });
  return stdout
    .split('\n')
    .filter(line => /\S/.test(line))
    .slice(-LINES)
    .map(line => `  ${line.slice(0, 300)}`)
    .join('\n');
}
