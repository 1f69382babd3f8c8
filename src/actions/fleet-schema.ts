/** `fleet schema`: the shape of fleet.yaml, for editors. */
import { fleetJsonSchema } from '../config/json-schema.ts';

/** JSON Schema, draft 7. */
export function fleetSchemaDocument(): object {
  return fleetJsonSchema();
}
