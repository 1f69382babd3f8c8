/**
 * Writes the published schemas: `node test/bundle/format/schemas.ts`. `biome check --write` lays them
 * out. A test compares them with what is committed.
 */
import { writeFileSync } from 'node:fs';
import { formatSchemas } from '../../../src/bundle/manifest.ts';

const FOLDER = new URL('../../../src/bundle/format/', import.meta.url).pathname;

/** Each schema by the path of its file. */
export function schemaFiles(): Map<string, Record<string, unknown>> {
  return new Map(
    Object.entries(formatSchemas()).map(([name, schema]) => [
      `${FOLDER}${name}.schema.json`,
      schema as Record<string, unknown>,
    ]),
  );
}

if (process.argv[1] === import.meta.filename)
  for (const [path, schema] of schemaFiles())
    writeFileSync(path, `${JSON.stringify(schema, undefined, 2)}\n`);
