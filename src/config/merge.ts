/** Settings laid over settings. */
import { isObject } from '../support/is-object.ts';

/**
 * `over` laid over `base`: objects are merged key by key, everything else (lists too) replaces what was there.
 * A null stays in the result, so that it can take a key away from what lies below, as in RFC 7396.
 * Neither is changed.
 */
export function mergeObjects(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = result[key];
    result[key] = isObject(before) && isObject(value) ? mergeObjects(before, value) : value;
  }
  return result;
}
