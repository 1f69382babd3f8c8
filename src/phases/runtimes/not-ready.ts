/** The error for a runtime that does not answer. */
import { AirferryError } from '../../errors.ts';
import type { Shell } from '../../host/shell.ts';
import { describeTarget } from '../../host/target.ts';

const NO_SUCH_COMMAND = 127;

/** ENGINE_NOT_READY, with what the host said. */
export function notReady(shell: Shell, program: string, status: number, stderr: string): AirferryError {
  const host = describeTarget(shell.target);
  const said = stderr.trim().split('\n').at(-1);
  const missing = status === NO_SUCH_COMMAND;
  const what = missing ? `${host} has no ${program}` : `${program} does not answer on ${host}`;
  return new AirferryError('ENGINE_NOT_READY', `${what}${said && !missing ? `: ${said}` : ''}`, {
    where: { host: shell.target.name },
    suggestions: missing
      ? [`Install ${program} there, or name the runtime that the host has with --runtime.`]
      : [`Try "${program} info" on the host; then run the same command again.`],
  });
}
