/** The end of an action on hosts: who failed, at which phase, and how to go on. */
import { AirferryError, isAirferryError } from '../errors.ts';
import { PHASES } from '../phases/names.ts';
import { plural } from '../support/format.ts';
import type { HostResult, HostsResult } from './host-results.ts';

/**
 * The error for a result in which hosts failed; undefined when none did. One host alone fails with its own error.
 * `retry` gives the command line for the hosts that failed or were not begun.
 */
export function summaryError(
  { hosts }: Pick<HostsResult, 'hosts'>,
  retry: (hosts: string[]) => string,
): AirferryError | undefined {
  const failed = hosts.filter(host => host.error !== undefined);
  const [first] = failed;
  if (first?.error === undefined) return undefined;
  const skipped = hosts.filter(({ outcome }) => outcome === 'skipped');
  const again = `When that is mended: ${retry([...failed, ...skipped].map(host => host.name))}`;
  if (hosts.length === 1) return withAdvice(first.error, again);
  if (failed.some(host => isAirferryError(host.error, 'INTERRUPTED'))) return interrupted(failed, again);
  const lines = failed.map(line).join('\n');
  // All refused by the preflight is the preflight's exit status, so that a script can tell it from a network that is down.
  const preflight = failed.every(host => isAirferryError(host.error, 'HOST_PREFLIGHT'));
  const done = hosts.length - failed.length - skipped.length;
  if (failed.length < hosts.length) {
    const parts = [
      `${failed.length} of ${plural(hosts.length, 'host')} failed`,
      ...(skipped.length > 0 ? [`${skipped.length} ${were(skipped.length)} not begun`] : []),
      ...(done > 0 ? [`${done} ${done === 1 ? 'is' : 'are'} done`] : []),
    ];
    return new AirferryError(
      done === 0 && preflight ? 'HOST_PREFLIGHT' : 'SOME_HOSTS_FAILED',
      `${parts.join(', ')}:\n${lines}`,
      { suggestions: [again] },
    );
  }
  return new AirferryError(
    preflight ? 'HOST_PREFLIGHT' : 'ALL_HOSTS_FAILED',
    `all ${plural(hosts.length, 'host')} failed:\n${lines}`,
    { suggestions: [again] },
  );
}

function interrupted(failed: readonly HostResult[], again: string): AirferryError {
  const names = failed.map(host => host.name).join(', ');
  return new AirferryError('INTERRUPTED', `interrupted; not finished: ${names}`, { suggestions: [again] });
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were';
}

function line({ name, phase, error }: HostResult): string {
  const at = phase ? ` at "${PHASES[phase]}"` : '';
  return `  ${name}${at}: ${error?.message.split('\n').join('\n    ')}`;
}

function withAdvice(error: AirferryError, again: string): AirferryError {
  const { code, message, where, suggestions, cause } = error;
  return new AirferryError(code, message, { where, suggestions: [...suggestions, again], cause });
}
