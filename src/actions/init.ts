/** `init`: a recipe and a fleet file out of answers, and out of what compose files, manifests and a host use already. */
import { stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { imagesOfCompose } from '../config/compose.ts';
import { parseFleet } from '../config/fleet.ts';
import { imagesOfManifests } from '../config/kubernetes.ts';
import { parseRecipe } from '../config/recipe.ts';
import { familiarName, parseReference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { parseAddress } from '../host/address.ts';
import { makeFolders } from '../support/folders.ts';
import { unwritable, writeWhole } from '../support/write-file.ts';
import { type FleetWish, fleetText, type RecipeWish, recipeText } from './init-texts.ts';

export interface InitOptions extends Omit<RecipeWish, 'compose' | 'kubernetes'>, FleetWish {
  /** The folder that the files go to; it is made if there is none. */
  dir: string;
  /** Compose files whose images are wanted. */
  fromCompose?: readonly string[];
  /** Kubernetes manifests, files or folders, whose images are wanted. */
  fromKubernetes?: readonly string[];
  /** Replace files that are there. */
  force?: boolean;
  /** Give back what would be written, and write nothing. */
  dryRun?: boolean;
}

export interface Initialised {
  /** Absolute, with what is in them. */
  files: { path: string; text: string }[];
  /** Images that the compose files and manifests name. */
  images: string[];
  warnings: string[];
  dryRun: boolean;
}

/**
 * Write bundle.yaml, and fleet.yaml where hosts are named. Throws FILE_UNWRITABLE for a file that is there, RECIPE_INVALID and
 * FLEET_INVALID for answers that make no such file, and what reading compose files and manifests throws.
 */
export async function initSite(options: InitOptions): Promise<Initialised> {
  const { dir, fromCompose = [], fromKubernetes = [], hosts, force = false, dryRun = false } = options;
  const warnings: string[] = [];
  const found: string[] = [];
  for (const path of fromCompose) {
    const { images, warnings: told } = await imagesOfCompose(path);
    found.push(...images.map(({ reference }) => familiarName(reference)));
    warnings.push(...told);
  }
  for (const path of fromKubernetes) {
    const { images, warnings: told } = await imagesOfManifests(path);
    found.push(...images.map(({ reference }) => familiarName(reference)));
    warnings.push(...told);
  }
  for (const image of options.images) parseReference(image);
  for (const host of hosts) parseAddress(host);
  const fromHere = (path: string): string => {
    const way = relative(resolve(dir), resolve(path));
    return way.startsWith('.') || way.startsWith('/') ? way : `./${way}`;
  };
  const recipe = join(resolve(dir), 'bundle.yaml');
  const wish = { ...options, compose: fromCompose.map(fromHere), kubernetes: fromKubernetes.map(fromHere) };
  const files = [{ path: recipe, text: recipeText(wish) }];
  if (hosts.length > 0) files.push({ path: join(resolve(dir), 'fleet.yaml'), text: fleetText(options) });
  for (const { path, text } of files)
    if (path === recipe) parseRecipe(text, { file: path, env: {} });
    else parseFleet(text, { file: path });
  if (!force) for (const { path } of files) await assertFree(path);
  if (!dryRun) for (const file of files) await write(file);
  return { files, images: [...new Set(found)], warnings, dryRun };
}

async function assertFree(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (!there) return;
  throw new AirferryError('FILE_UNWRITABLE', `${path} is there already`, {
    where: { file: path },
    suggestions: ['Name another folder with --dir, or replace it with --force.'],
  });
}

async function write({ path, text }: { path: string; text: string }): Promise<void> {
  await makeFolders(dirname(path)).catch(cause => {
    throw unwritable(path, cause);
  });
  await writeWhole(path, text);
}
