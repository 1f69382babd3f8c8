/** The images that a recipe wants from registries: by name, in lists, in compose files and in Kubernetes manifests. */
import { imagesOfCompose } from '../../config/compose.ts';
import { readImageList } from '../../config/image-list.ts';
import type { ImageSpec } from '../../config/images.ts';
import { imagesOfManifests } from '../../config/kubernetes.ts';
import type { Position } from '../../config/problem.ts';
import type { Recipe } from '../../config/recipe.ts';
import { formatPlatform, parsePlatform } from '../../content/platform.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import { inRecipe } from '../in-recipe.ts';

export interface WantedImage {
  name: Reference;
  /** Its name in the bundle; its own when absent. */
  as?: Reference;
  /** `os/architecture[/variant]`, sorted. */
  platforms: string[];
  /** The entry of the recipe that asks for it. */
  at: Position;
}

interface Found {
  name: Reference;
  as?: Reference | undefined;
  platforms?: readonly string[] | undefined;
}

/**
 * Every image once, in the order of the recipe. Throws what reading the files throws, REFERENCE_INVALID, and RULE_COLLISION
 * for two images of one name.
 */
export async function wantedImages(recipe: Recipe): Promise<{ images: WantedImage[]; warnings: string[] }> {
  const images = new Map<string, WantedImage>();
  const targets = new Map<string, Reference>();
  const warnings: string[] = [];
  const own = recipe.platforms.map(canonical).sort();
  for (const spec of recipe.images) {
    await inRecipe(recipe, spec.at, async () => {
      const found = await namedBy(spec);
      warnings.push(...found.warnings);
      for (const { name, as, platforms } of found.images) {
        const key = `${formatReference(name)} ${as ? formatReference(as) : ''}`;
        const before = images.get(key);
        const wanted = platforms?.map(canonical) ?? own;
        if (before) before.platforms = [...new Set([...before.platforms, ...wanted])].sort();
        else {
          claim(name, as ?? name, targets);
          const sorted = [...new Set(wanted)].sort();
          images.set(key, { name, ...(as && { as }), platforms: sorted, at: spec.at });
        }
      }
    });
  }
  return { images: [...images.values()], warnings };
}

async function namedBy(spec: ImageSpec): Promise<{ images: Found[]; warnings: string[] }> {
  switch (spec.kind) {
    case 'archive':
    case 'oci':
      return { images: [], warnings: [] };
    case 'name': {
      const { name, as, platforms } = spec;
      return {
        images: [{ name: parseReference(name), as: as === undefined ? as : parseReference(as), platforms }],
        warnings: [],
      };
    }
    case 'list':
      return { images: await readImageList(spec.path), warnings: [] };
    case 'compose': {
      const options = {
        ...(spec.profiles && { profiles: spec.profiles }),
        ...(spec.envFile === undefined ? {} : { envFiles: [spec.envFile] }),
      };
      const { images, warnings } = await imagesOfCompose(spec.paths, options);
      const found = images.map(({ reference, platform }) => ({
        name: reference,
        platforms: platform === undefined ? undefined : [platform],
      }));
      return { images: found, warnings };
    }
    case 'kubernetes': {
      const { images, warnings } = await imagesOfManifests(spec.path);
      return { images: images.map(({ reference }) => ({ name: reference })), warnings };
    }
  }
}

function canonical(platform: string): string {
  return formatPlatform(parsePlatform(platform));
}

function claim(name: Reference, to: Reference, targets: Map<string, Reference>): void {
  const target = formatReference({ ...to, digest: to.tag === undefined ? to.digest : undefined });
  const other = targets.get(target);
  if (other && formatReference(other) !== formatReference(name))
    throw new AirferryError(
      'RULE_COLLISION',
      `${familiarName(other)} and ${familiarName(name)} would both be ${target} in the bundle`,
      { suggestions: ['Give one of them another name with `as`.'] },
    );
  targets.set(target, name);
}
