/** The recipe, `bundle.yaml`: what to pack, each item with the place where it was asked for. */
import { dirname, resolve } from 'node:path';
import { type DaemonSpec, daemonSpec } from './daemon.ts';
import { type FileSpec, fileDestinations } from './destination.ts';
import { parseYaml, type YamlDocument } from './document.ts';
import { type ImageSpec, imageSpecs } from './images.ts';
import { checkPlatforms } from './platforms.ts';
import type { Position } from './problem.ts';
import { readText } from './read.ts';
import { type RecipeShape, recipeSchema } from './recipe-schema.ts';
import { Report } from './report.ts';
import { checkVersion, type Source, sources } from './sources.ts';
import { validate } from './validate.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** A component and where it comes from: one source for each of the recipe's platforms, in their order. */
export interface ComponentSpec {
  version: string;
  sources: Source[];
  at: Position;
}

export interface UnitSpec {
  name: 'docker.service' | 'docker.socket' | 'containerd.service';
  /** Absolute. */
  path: string;
  at: Position;
}

export interface Recipe {
  /** The recipe's path as the operator gave it: `{ file: recipe.file, ...item.at }` is the `where` of an error. */
  file: string;
  name: string;
  version: string;
  /** `os/arch` or `os/arch/variant`, at least one, no two the same. */
  platforms: string[];
  /** Undefined when the recipe leaves it open. */
  compression?: Compression;
  engine?: ComponentSpec;
  compose?: ComponentSpec;
  daemon?: DaemonSpec;
  units: UnitSpec[];
  images: ImageSpec[];
  files: FileSpec[];
}

/** Read a recipe file. Throws FILE_NOT_FOUND, FILE_UNREADABLE or RECIPE_INVALID with file, line and column. */
export async function loadRecipe(file: string): Promise<Recipe> {
  const text = await readText(
    { file, code: 'RECIPE_INVALID' },
    'The folder bundles of airferry has recipes to begin with.',
  );
  return parseRecipe(text, { file });
}

/** The recipe in a text; its relative paths are taken from the folder of `file`. Throws RECIPE_INVALID. */
export function parseRecipe(text: string, { file }: { file: string }): Recipe {
  const document = parseYaml(text, { file, code: 'RECIPE_INVALID' });
  const shape = validate(document, recipeSchema);
  const report = new Report(document);
  const recipe = normalise(shape, document, report);
  report.throwIfAny();
  return recipe;
}

function normalise(shape: RecipeShape, document: YamlDocument, report: Report): Recipe {
  const absolute = (path: string): string => resolve(dirname(document.file), path);
  const platforms = checkPlatforms(shape.platforms, report);
  const { engine, compose } = shape;
  if (engine !== undefined) checkVersion('engine', engine.version, report);
  if (compose !== undefined) checkVersion('compose', compose.version, report);
  checkSense(shape, report);
  return {
    file: document.file,
    name: shape.name,
    version: shape.version,
    platforms,
    compression: shape.compression,
    engine: engine && {
      version: engine.version,
      sources: sources('engine', 'archive', { ...engine, path: engine.archive }, platforms, absolute, report),
      at: document.locate(['engine'], 'key'),
    },
    compose: compose && {
      version: compose.version,
      sources: sources('compose', 'file', { ...compose, path: compose.file }, platforms, absolute, report),
      at: document.locate(['compose'], 'key'),
    },
    daemon: shape.daemon && daemonSpec(shape.daemon, ['daemon'], document),
    units: Object.entries(shape.units ?? {}).map(([name, path]) => ({
      name: name as UnitSpec['name'],
      path: absolute(path),
      at: document.locate(['units', name]),
    })),
    images: imageSpecs(shape.images ?? [], absolute, report),
    files: fileDestinations(shape.files ?? [], absolute, report),
  };
}

function checkSense(shape: RecipeShape, report: Report): void {
  if (shape.engine === undefined) {
    for (const key of ['daemon', 'units'] as const) {
      if (shape[key] !== undefined)
        report.add(
          [key],
          `\`${key}\` needs \`engine\`: what it may say depends on the engine's version`,
          'key',
        );
    }
  }
  const packed = [shape.engine, shape.compose, ...(shape.images ?? []), ...(shape.files ?? [])];
  if (packed.every(item => item === undefined)) {
    report.add(
      [],
      'the recipe packs nothing',
      'value',
      'Add at least one of engine, compose, images or files.',
    );
  }
}
