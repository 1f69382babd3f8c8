/** Take the lock of a host; when somebody else's was in the way, that is told and written down. */
import { audit } from '../host/audit.ts';
import { type HostLock, type LockOptions, takeLock } from '../host/lock.ts';
import type { Shell } from '../host/shell.ts';
import type { Reporter } from './phase.ts';

/** Throws HOST_LOCKED and what a connection throws. */
export async function acquireLock(
  shell: Shell,
  options: Pick<LockOptions, 'purpose' | 'breakLock'>,
  report: Reporter,
): Promise<HostLock> {
  const lock = await takeLock(shell, options);
  const { displaced } = lock;
  if (!displaced) return lock;
  const { operator, since, purpose } = displaced.owner;
  const deed = displaced.void ? 'cleared away the lock that was left' : 'broke the lock that was held';
  const text = `${deed} by ${operator} since ${since}, for "${purpose}"`;
  report.note(text);
  await audit(shell, [{ phase: 'acquire-lock', action: text, result: 'changed' }]);
  return lock;
}
