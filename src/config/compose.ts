/**
 * The images of a compose project, as docker compose itself would resolve them: variables and `.env`, profiles, `extends`,
 * `include`, merge keys, override files, and the files of docker-compose 1. Source: compose-spec.
 */
import { readdir, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { AirferryError } from '../errors.ts';
import { activeProfiles, activeServices } from './compose-active.ts';
import { ComposeReader, environmentOf } from './compose-file.ts';
import { type ComposeImage, composeImages } from './compose-images.ts';
import type { Lookup } from './interpolate.ts';

export interface ComposeOptions {
  /** Active profiles, `*` for all; COMPOSE_PROFILES where none are given. */
  profiles?: readonly string[];
  /** Variables, before those of env files. Default: the process's environment. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Env files in place of `.env` beside the first compose file; later ones win. */
  envFiles?: readonly string[];
}

export interface ComposeImages {
  /** All files that were read. */
  files: string[];
  /** One for each active service that has an image, and for each image that one mounts, in the order of the files. */
  images: ComposeImage[];
  /** Whole sentences. */
  warnings: string[];
}

const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const OVERRIDES = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/**
 * The images of a project. A file is read alone, as with `docker compose -f`; several are laid over one another; a folder
 * stands for the compose file in it, together with its override file. Only services that are active under the profiles
 * count, and those that they depend on.
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, ENV_FILE_INVALID, COMPOSE_FILE_INVALID with file, line and column.
 */
export async function imagesOfCompose(
  path: string | readonly string[],
  options: ComposeOptions = {},
): Promise<ComposeImages> {
  const named = typeof path === 'string' ? [path] : path;
  const [first = '.'] = named;
  const folder = (await isFolder(first)) ? first : dirname(first);
  const given = options.env ?? process.env;
  const lookup = await environmentOf(folder, options.envFiles, name =>
    Object.hasOwn(given, name) ? given[name] : undefined,
  );
  const reader = new ComposeReader();
  const files = folder === first ? await filesIn(folder, lookup) : named;
  const services = await reader.services(files, lookup);
  const { active, warnings } = activeServices(services, activeProfiles(options.profiles, lookup));
  const found = composeImages(active);
  return { files: reader.files, images: found.images, warnings: [...warnings, ...found.warnings] };
}

/** The compose files that docker compose would take in a folder. Throws FILE_NOT_FOUND where there are none. */
async function filesIn(folder: string, lookup: Lookup): Promise<string[]> {
  const listed = lookup('COMPOSE_FILE');
  if (listed) {
    const parts = listed.split(lookup('COMPOSE_PATH_SEPARATOR') || delimiter).filter(part => part !== '');
    return parts.map(part => (isAbsolute(part) ? part : join(folder, part)));
  }
  const there = new Set(await readdir(folder));
  const [base, override] = [NAMES, OVERRIDES].map(names => names.find(name => there.has(name)));
  if (base === undefined) {
    throw new AirferryError('FILE_NOT_FOUND', `${folder} has no compose file`, {
      where: { file: folder },
      suggestions: [`Name the file itself; in a folder, ${NAMES.join(', ')} are looked for.`],
    });
  }
  return [base, override].flatMap(name => (name === undefined ? [] : [join(folder, name)]));
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
