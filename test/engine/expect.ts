/** What a test expects of a refusal: its code and its words. */
import * as assert from 'uvu/assert';
import { AirferryError, type ErrorCode } from '../../src/errors.ts';

/** Run `work`, which must throw an AirferryError of this code whose message matches; give the error back. */
export async function refusal(
  work: () => unknown,
  code: ErrorCode,
  message: RegExp | string = '',
): Promise<AirferryError> {
  let thrown: unknown;
  try {
    await work();
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, AirferryError, `expected ${code}, got ${String(thrown)}`);
  const error = thrown as AirferryError;
  assert.is(error.code, code, error.message);
  assert.match(error.message, message);
  for (const suggestion of error.suggestions) assert.match(suggestion, /^[A-Z`].*[.?]$/s);
  return error;
}

/** Bytes that are the same in every run: a linear congruential generator (Numerical Recipes). */
export function rubbish(seed: number, length: number): Buffer {
  let state = seed >>> 0;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}
