import * as assert from 'uvu/assert';
import { fleetJsonSchema, recipeJsonSchema } from '../../src/config/json-schema.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/json-schema');

interface Schema {
  $schema?: string;
  title?: string;
  description?: string;
  type?: string;
  required?: string[];
  additionalProperties?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  enum?: string[];
}

test('the recipe is described for editors', () => {
  const schema = recipeJsonSchema() as Schema;
  assert.is(schema.$schema, 'http://json-schema.org/draft-07/schema#');
  assert.is(schema.title, 'airferry recipe');
  assert.equal(schema.required, ['name', 'version']);
  assert.is(schema.additionalProperties, false);
  assert.equal(Object.keys(schema.properties ?? {}), [
    'extends',
    'variables',
    'name',
    'version',
    'platforms',
    'compression',
    'engine',
    'compose',
    'tools',
    'mirrors',
    'registries',
    'daemon',
    'units',
    'images',
    'referrers',
    'files',
  ]);
  assert.equal(schema.properties?.compression?.enum, ['gzip', 'zstd', 'none']);
  assert.equal(
    schema.properties?.images?.items?.anyOf?.map(each => each.type),
    ['string', 'object'],
  );
});

test('the fleet is described for editors', () => {
  const schema = fleetJsonSchema() as Schema;
  assert.is(schema.title, 'airferry fleet');
  assert.equal(schema.required, ['hosts']);
  assert.equal(schema.properties?.hosts?.items?.required, ['name']);
});

test('every key of both files has a description or is made of keys that have', () => {
  const silent: string[] = [];
  const walk = (schema: Schema, path: string): void => {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      if (property.description === undefined && property.properties === undefined)
        silent.push(`${path}.${key}`);
      walk(property, `${path}.${key}`);
    }
    for (const inner of [schema.items, ...(schema.anyOf ?? [])]) if (inner) walk(inner, `${path}[]`);
  };
  walk(recipeJsonSchema() as Schema, 'recipe');
  walk(fleetJsonSchema() as Schema, 'fleet');
  assert.equal(silent, []);
});

test.run();
