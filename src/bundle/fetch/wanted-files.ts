/** The files that a recipe leaves to publishers, or to an address that it gives. */
import { basename } from 'node:path';
import type { FileSpec } from '../../config/destination.ts';
import type { Position } from '../../config/problem.ts';
import type { Recipe } from '../../config/recipe.ts';
import type { Source } from '../../config/sources.ts';
import type { ToolName } from '../../config/tools.ts';
import type { Digest } from '../../content/digest.ts';
import { composeSource, engineSource, type PublishedFile } from '../../engine/source.ts';
import { inRecipe } from '../in-recipe.ts';
import { toolSource } from './publishers.ts';

export interface Component {
  name: 'engine' | 'compose' | ToolName;
  version: string;
  sources: readonly Source[];
}

/** A file that is wanted, and who wants it. */
export interface WantedFile extends PublishedFile {
  /** The engine, compose, one of the tools, or a file of the recipe's own. */
  component: Component['name'] | 'files';
  /** What the recipe says that it is; it goes before the lock. */
  digest?: Digest;
  /** `engine 28.5.2 for linux/amd64` */
  what: string;
  at: Position;
}

/** Engine, compose and tools of a recipe, as far as it has them. */
export function componentsOf({ engine, compose, tools }: Recipe): Component[] {
  return [
    ...(engine ? [{ name: 'engine' as const, version: engine.version, sources: engine.sources }] : []),
    ...(compose ? [{ name: 'compose' as const, version: compose.version, sources: compose.sources }] : []),
    ...tools,
  ];
}

/** All files of a recipe that are to be fetched. Throws PLATFORM_INVALID and ENGINE_INVALID at the place in the recipe. */
export async function wantedFiles(recipe: Recipe): Promise<WantedFile[]> {
  const files: WantedFile[] = [];
  for (const component of componentsOf(recipe)) {
    for (const source of component.sources) {
      if (source.kind === 'file') continue;
      files.push(await inRecipe(recipe, source.at, () => wantedFile(source, component)));
    }
  }
  for (const file of recipe.files) {
    const wanted = wantedOther(file);
    if (wanted) files.push(wanted);
  }
  return files;
}

/** A file of the recipe that is fetched; undefined for one that is at hand. */
export function wantedOther({ url, digest, to, at }: FileSpec): WantedFile | undefined {
  if (url === undefined) return undefined;
  const fileName = basename(new URL(url).pathname);
  return {
    ...{ url, fileName, component: 'files', what: `the file ${to}`, at },
    ...(digest !== undefined && { digest: digest as Digest }),
  };
}

/** The file that a source stands for. Throws PLATFORM_INVALID, ENGINE_INVALID, COMPOSE_INVALID. */
export function wantedFile(
  source: Exclude<Source, { kind: 'file' }>,
  { name, version }: Pick<Component, 'name' | 'version'>,
): WantedFile {
  const { platform, at } = source;
  const who = { component: name, what: `${name} ${version} for ${platform}`, at };
  if (source.kind === 'url') {
    const { url, digest } = source;
    return { url, fileName: basename(new URL(url).pathname), digest: digest as Digest, ...who };
  }
  return { ...published(name, version, platform), ...who };
}

function published(name: Component['name'], version: string, platform: string): PublishedFile {
  if (name === 'engine') return engineSource(version, platform);
  if (name === 'compose') return composeSource(version, platform);
  return toolSource(name, version, platform);
}
