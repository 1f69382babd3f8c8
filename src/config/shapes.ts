/**
 * The pieces that the schemas are made of. Their messages are predicates, `must be …` or `is missing …`, that
 * `validate.ts` puts behind the name of the key.
 */
import * as z from 'zod';

interface Issue {
  code?: string;
  input?: unknown;
}

/** The error of a schema whose value `must be` so. */
function must(words: string): { error: (issue: Issue) => string } {
  return {
    error: issue => (issue.input === undefined ? `is missing: it must be ${words}` : `must be ${words}`),
  };
}

/** Text that says something: not empty, without control characters, and of the given pattern if there is one. */
export function text(words: string, pattern: RegExp = /^[^\p{Cc}]*\S[^\p{Cc}]*$/u): z.ZodString {
  return z
    .string(must(words))
    .regex(pattern, { error: `must be ${words}` })
    .max(4096, { error: 'is longer than 4096 characters' });
}

export function oneOf<const T extends readonly string[]>(values: T): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, must(`one of ${values.join(', ')}`));
}

export function yesOrNo(): z.ZodBoolean {
  return z.boolean(must('true or false'));
}

export function wholeNumber(least: number, most: number): z.ZodNumber {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error });
}

export function list<T extends z.ZodType>(item: T, words: string, most = 10_000): z.ZodArray<T> {
  return z.array(item, must(words)).max(most, { error: `must not have more than ${most} items` });
}

/** A map with the given keys and no others. */
export function map<T extends z.ZodRawShape>(shape: T, words: string): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: issue => (issue.code === 'unrecognized_keys' ? undefined : must(words).error(issue)),
  });
}

/** A map with keys of the operator's choice. */
export function record<T extends z.ZodType>(value: T, words: string): z.ZodRecord<z.ZodString, T> {
  return z.record(z.string(), value, must(words));
}

/** One schema or the other; when neither fits even by its kind, `words` say what would. */
export function either<A extends z.ZodType, B extends z.ZodType>(
  a: A,
  b: B,
  words: string,
): z.ZodUnion<[A, B]> {
  return z.union([a, b], must(words));
}

/** Names of bundles, versions, groups: they end up in file names and on command lines. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;

/** A template and the values that are merged into it as objects: what daemon.json is made from. */
export const daemonShape = map(
  {
    template: text('the name of a template, e.g. production', /^[a-z0-9][a-z0-9-]{0,63}$/)
      .describe('A daemon.json template by name.')
      .optional(),
    values: record(z.unknown(), 'a map of daemon.json keys, e.g. { bip: 172.7.5.1/24 }')
      .describe('Keys of daemon.json, merged into the template as objects.')
      .optional(),
  },
  'a map with template and values',
).describe('What /etc/docker/daemon.json is made from.');
