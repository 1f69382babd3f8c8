/** The recipe, `bundle.yaml`: what to pack, each item with the place where it was asked for. */
import { dirname, resolve } from 'node:path';
import { type DaemonSpec, daemonSpec } from './daemon.ts';
import { type FileSpec, fileDestinations } from './destination.ts';
import { parseYaml, type YamlDocument } from './document.ts';
import { type ImageSpec, imageSpecs } from './images.ts';
import { type Mirror, mirrorSpecs } from './mirrors.ts';
import { checkPlatforms } from './platforms.ts';
import type { Position } from './problem.ts';
import { readLayers } from './recipe-layers.ts';
import { type RecipeShape, recipeSchema } from './recipe-schema.ts';
import { type VariableOptions, withVariables } from './recipe-variables.ts';
import { type RegistrySpec, registrySpecs } from './registries.ts';
import { Report } from './report.ts';
import { type Absolute, checkVersion, type Source, sources } from './sources.ts';
import { type ToolSpec, toolSpecs } from './tools.ts';
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
  tools: ToolSpec[];
  mirrors: Mirror[];
  registries: RegistrySpec[];
  daemon?: DaemonSpec;
  units: UnitSpec[];
  images: ImageSpec[];
  /** Whether signatures, SBOMs and attestations come along with the images that they are about. */
  referrers: boolean;
  files: FileSpec[];
}

/**
 * Read a recipe file with those that it extends. Throws FILE_NOT_FOUND, FILE_UNREADABLE, RECIPE_INVALID with file, line and
 * column, and USAGE for a variable that is set and stands nowhere.
 */
export async function loadRecipe(file: string, variables: VariableOptions = {}): Promise<Recipe> {
  return recipeOf(withVariables(await readLayers(file), variables));
}

/**
 * The recipe in a text; its relative paths are taken from the folder of `file`. It cannot extend others.
 * Throws as `loadRecipe` does.
 */
export function parseRecipe(
  text: string,
  { file, ...variables }: { file: string } & VariableOptions,
): Recipe {
  return recipeOf(withVariables(parseYaml(text, { file, code: 'RECIPE_INVALID' }), variables));
}

function recipeOf(document: YamlDocument): Recipe {
  const shape = validate(document, recipeSchema);
  const report = new Report(document);
  const recipe = normalise(shape, document, report);
  report.throwIfAny();
  return recipe;
}

function normalise(shape: RecipeShape, document: YamlDocument, report: Report): Recipe {
  const absolute: Absolute = (text, path) => resolve(dirname(report.at(path).file ?? document.file), text);
  const platforms = checkPlatforms(shape.platforms, report);
  const { engine, compose } = shape;
  if (engine !== undefined) checkVersion(['engine'], engine.version, report);
  if (compose !== undefined) checkVersion(['compose'], compose.version, report);
  checkSense(shape, report);
  return {
    file: document.file,
    name: shape.name,
    version: shape.version,
    platforms,
    compression: shape.compression,
    engine: engine && {
      version: engine.version,
      sources: sources(
        ['engine'],
        'archive',
        { ...engine, path: engine.archive },
        platforms,
        absolute,
        report,
      ),
      at: document.locate(['engine'], 'key'),
    },
    compose: compose && {
      version: compose.version,
      sources: sources(['compose'], 'file', { ...compose, path: compose.file }, platforms, absolute, report),
      at: document.locate(['compose'], 'key'),
    },
    tools: toolSpecs(shape, platforms, absolute, report),
    mirrors: mirrorSpecs(shape.mirrors ?? {}, report),
    registries: registrySpecs(shape.registries ?? {}, absolute, report),
    daemon: shape.daemon && daemonSpec(shape.daemon, ['daemon'], document),
    units: Object.entries(shape.units ?? {}).map(([name, path]) => ({
      name: name as UnitSpec['name'],
      path: absolute(path, ['units', name]),
      at: document.locate(['units', name]),
    })),
    images: imageSpecs(shape.images ?? [], absolute, report),
    referrers: shape.referrers ?? true,
    files: fileDestinations(shape.files ?? [], absolute, report),
  };
}

function checkSense(shape: RecipeShape, report: Report): void {
  if (shape.extends !== undefined)
    report.add(['extends'], '`extends` can be followed only in a recipe that is read from its file', 'key');
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
  const packed = [shape.engine, shape.compose, shape.tools, ...(shape.images ?? []), ...(shape.files ?? [])];
  if (packed.every(item => item === undefined)) {
    report.add(
      [],
      'the recipe packs nothing',
      'value',
      'Add at least one of engine, compose, tools, images or files.',
    );
  }
}
