/** The shapes of the two files as JSON Schema, for editors that complete and check YAML while it is written. */
import { z } from 'zod';
import { fleetSchema } from './fleet-schema.ts';
import { recipeSchema } from './recipe-schema.ts';

/** JSON Schema, draft 7: what the YAML language server of the common editors reads. */
export type JsonSchema = Record<string, unknown>;

/** The schema of `bundle.yaml`. */
export function recipeJsonSchema(): JsonSchema {
  return z.toJSONSchema(recipeSchema, { io: 'input', target: 'draft-7' });
}

/** The schema of `fleet.yaml`. */
export function fleetJsonSchema(): JsonSchema {
  return z.toJSONSchema(fleetSchema, { io: 'input', target: 'draft-7' });
}
