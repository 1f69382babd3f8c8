/** Telling a JSON object from everything else that JSON may hold. */

/** Whether a value out of JSON is an object: no list, not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
