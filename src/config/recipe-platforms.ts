/** A recipe for some of its platforms only. */
import { formatPlatform, parsePlatform } from '../content/platform.ts';
import { AirferryError } from '../errors.ts';
import type { Recipe } from './recipe.ts';

/** The recipe as if it named only these. Throws PLATFORM_INVALID, and PLATFORM_MISMATCH for one that it does not have. */
export function forPlatforms(recipe: Recipe, platforms: readonly string[]): Recipe {
  const wanted = new Set(platforms.map(canonical));
  const own = recipe.platforms.map(canonical);
  const missing = [...wanted].find(platform => !own.includes(platform));
  if (missing !== undefined)
    throw new AirferryError('PLATFORM_MISMATCH', `the recipe has no platform ${missing}`, {
      where: { file: recipe.file },
      suggestions: [`It has ${recipe.platforms.join(', ')}: add it to \`platforms\` there.`],
    });
  const isWanted = (platform: string): boolean => wanted.has(canonical(platform));
  const cut = <T extends { sources: { platform: string }[] }>(component: T): T => ({
    ...component,
    sources: component.sources.filter(({ platform }) => isWanted(platform)),
  });
  return {
    ...recipe,
    platforms: recipe.platforms.filter(isWanted),
    ...(recipe.engine && { engine: cut(recipe.engine) }),
    ...(recipe.compose && { compose: cut(recipe.compose) }),
    tools: recipe.tools.map(cut),
    images: recipe.images.flatMap(image => {
      if (image.kind !== 'name' || !image.platforms) return [image];
      const left = image.platforms.filter(isWanted);
      return left.length === 0 ? [] : [{ ...image, platforms: left }];
    }),
  };
}

function canonical(platform: string): string {
  return formatPlatform(parsePlatform(platform));
}
