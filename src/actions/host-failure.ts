/** What goes wrong on a host, as the one kind of error. */
import { AirferryError, isAirferryError } from '../errors.ts';

/** After the signal whatever else is thrown is the interruption; what nobody foresaw is INTERNAL. */
export function asAirferryError(thrown: unknown, signal: AbortSignal | undefined): AirferryError {
  if (isAirferryError(thrown)) return thrown;
  if (signal?.aborted) return interrupted();
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AirferryError('INTERNAL', message, { cause: thrown });
}

export function interrupted(): AirferryError {
  return new AirferryError('INTERRUPTED', 'interrupted', {
    suggestions: ['Run the same command again: it goes on where it was interrupted.'],
  });
}
