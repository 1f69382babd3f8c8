/** Small bundles for tests, made by the real `createBundle` from a recipe in a scratch folder. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  type BundleCreated,
  type BundleCreateOptions,
  createBundle,
} from '../../src/actions/bundle-create.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { AirferryError, type ErrorCode } from '../../src/errors.ts';
import { Meter } from '../../src/support/meter.ts';
import { BINARIES, engineMembers, tgz } from '../engine/archives.ts';
import { dockerArchive20, imageOf, layerOf, type TestImage, writeTo } from '../support/archives.ts';

export const ENGINE = '20.10.24';

/** Two images of a few hundred bytes that share their lowest layer. */
export async function tinyImages(): Promise<TestImage[]> {
  const base = await layerOf('etc/base', 'base');
  return [
    imageOf(['site/app:1.0'], [base, await layerOf('app', 'app')]),
    imageOf(['tool:2'], [base, await layerOf('tool', 'tool')]),
  ];
}

/** Write an engine archive, a saved archive and a file into a folder, and give back a recipe over them. */
export async function writeSite(dir: string): Promise<string> {
  writeTo(dir, 'engine.tgz', await tgz(engineMembers(BINARIES[ENGINE] as string[], 'linux/amd64', 200)));
  writeTo(dir, 'images.tar', await dockerArchive20(await tinyImages()));
  writeTo(dir, 'motd', 'welcome\n');
  return `name: plant-7
version: "2026.11"
engine: { version: ${ENGINE}, archive: ./engine.tgz }
daemon: { values: { insecure-registries: [hub.company.com] } }
images:
  - archive: ./images.tar
files:
  - { from: ./motd, to: /etc/motd, mode: "0640" }
`;
}

/** Create a bundle from the text of a recipe that lies in `dir`. */
export function create(
  dir: string,
  recipe: string,
  options: Partial<BundleCreateOptions> = {},
): Promise<BundleCreated> {
  const file = join(dir, 'bundle.yaml');
  return createBundle({
    recipe: parseRecipe(recipe, { file }),
    output: join(dir, 'site.tar'),
    meter: new Meter(),
    ...options,
  });
}

/** Expect an error of that code, whose message says so. */
export async function refused(
  work: () => unknown,
  code: ErrorCode,
  message: RegExp | string = '',
): Promise<AirferryError> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, AirferryError, String(error));
    assert.is((error as AirferryError).code, code, String(error));
    assert.match((error as AirferryError).message, message);
    return error as AirferryError;
  }
  throw new Error(`nothing was refused, where ${code} was expected`);
}
