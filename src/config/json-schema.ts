/** The shapes of the two files as JSON Schema, for editors that complete and check YAML while it is written. */
import * as z from 'zod';
import { isObject } from '../support/is-object.ts';
import { fleetSchema } from './fleet-schema.ts';
import { recipeSchema } from './recipe-schema.ts';

/** JSON Schema, draft 7: what the YAML language server of the common editors reads. */
export type JsonSchema = Record<string, unknown>;

/** The schema of `bundle.yaml`. */
export function recipeJsonSchema(): JsonSchema {
  return z.toJSONSchema(recipeSchema, { io: 'input', target: 'draft-7' });
}

/** The schema of `fleet.yaml`. Where a value of another shape is wanted, a text with a variable in it is one too. */
export function fleetJsonSchema(): JsonSchema {
  return variablesAllowed(z.toJSONSchema(fleetSchema, { io: 'input', target: 'draft-7' })) as JsonSchema;
}

const WITH_VARIABLE = { type: 'string', pattern: '\\$' };
/** Keywords that hold schemas by name. */
const BY_NAME = new Set(['properties', 'definitions']);
/** Keywords that hold values, which are none of a schema's. */
const VALUES = new Set(['examples', 'enum', 'const', 'default', 'required']);

function variablesAllowed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(variablesAllowed);
  if (!isObject(schema)) return schema;
  const inside = Object.entries(schema).map(([key, value]) => {
    if (VALUES.has(key)) return [key, value];
    if (!BY_NAME.has(key) || !isObject(value)) return [key, variablesAllowed(value)];
    return [
      key,
      Object.fromEntries(Object.entries(value).map(([name, each]) => [name, variablesAllowed(each)])),
    ];
  });
  const { description, examples, ...rest } = Object.fromEntries(inside) as JsonSchema;
  const told = {
    ...(description === undefined ? {} : { description }),
    ...(examples === undefined ? {} : { examples }),
  };
  return isStrict(rest) ? { ...told, anyOf: [rest, WITH_VARIABLE] } : { ...told, ...rest };
}

/** Whether a text like `$PORT` would be refused. */
function isStrict({ type, pattern, enum: words }: JsonSchema): boolean {
  return (
    type === 'integer' ||
    type === 'boolean' ||
    (type === 'string' && (pattern !== undefined || words !== undefined))
  );
}
