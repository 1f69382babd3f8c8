/**
 * The images that an operator asks for: by name, in lists, in compose files and in Kubernetes manifests, folded into one list
 * in which each has its origins. What reads a kind of file is loaded when one is named: most commands name none.
 */
import type { LocatedRule } from '../config/retag-file.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../content/reference.ts';
import { parseRetagRule, type RetagRule } from '../content/retag.ts';
import { AirferryError, type Where } from '../errors.ts';

export interface WantedOptions {
  /** Names on the command line. */
  only?: readonly string[];
  /** Files with lists of names. */
  imageFiles?: readonly string[];
  /** Compose files, or folders with one: each a project; files of one project are joined by colons, as in COMPOSE_FILE. */
  compose?: readonly string[];
  /** Active profiles of the compose projects. */
  profiles?: readonly string[];
  /** Env files of the compose projects, in place of their `.env`. */
  envFiles?: readonly string[];
  /** Kubernetes manifests: files or folders. */
  kubernetes?: readonly string[];
}

/** Who asks for an image. */
export interface Origin {
  /** `--images rancher-images.txt`, `the service web`, `Deployment/web, nginx` */
  what: string;
  /** Empty for names on the command line. */
  where: Where;
}

export interface WantedImage {
  name: Reference;
  /** The name that it goes on under, where a list says one. */
  as?: Reference;
  /** `os/architecture[/variant]`; all that the image has where nobody chose. */
  platforms?: string[];
  /** At least one; at most ten are kept. */
  origins: Origin[];
}

export interface WantedImages {
  /** Undefined where nothing was asked for by name: all there is. Never empty. */
  images?: WantedImage[];
  /** Whole sentences: what cannot be fetched, or was left open. */
  warnings: string[];
}

const MOST_ORIGINS = 10;

/**
 * Everything that is asked for, each image and target name once, in the order of the flags. Throws REFERENCE_INVALID, what reading
 * the files throws, RULE_COLLISION where two images are to go on under one name, and IMAGE_NOT_FOUND where files were named
 * but no image is in them.
 */
export async function wantedImages(options: WantedOptions): Promise<WantedImages> {
  const { only = [], imageFiles = [], compose = [], kubernetes = [] } = options;
  const sources = [only, imageFiles, compose, kubernetes].flat();
  if (sources.length === 0) return { warnings: [] };
  const wanted = new Wanted();
  const warnings: string[] = [];
  for (const name of only)
    wanted.add({ name: parseReference(name) }, { what: 'the command line', where: {} });
  for (const file of imageFiles) {
    const { readImageList } = await import('../config/image-list.ts');
    for (const { where, ...image } of await readImageList(file))
      wanted.add(image, { what: 'the list', where });
  }
  for (const project of compose) {
    const { imagesOfCompose } = await import('../config/compose.ts');
    const { profiles, envFiles } = options;
    const found = await imagesOfCompose(projectFiles(project), { profiles, envFiles });
    warnings.push(...found.warnings);
    for (const { reference, service, platform, where } of found.images) {
      const platforms = platform === undefined ? undefined : [platform];
      wanted.add({ name: reference, platforms }, { what: `the service ${service}`, where });
    }
  }
  for (const path of kubernetes) {
    const { imagesOfManifests } = await import('../config/kubernetes.ts');
    const found = await imagesOfManifests(path);
    warnings.push(...found.warnings);
    for (const { reference, found: places } of found.images) {
      for (const { where, object, container } of places)
        wanted.add(
          { name: reference },
          { what: [object, container].filter(part => part !== '').join(', '), where },
        );
    }
  }
  return { images: wanted.images(sources), warnings };
}

/**
 * Retag rules, those of the command line first, since the first that matches counts, then those of files in their order.
 * Throws RULE_INVALID, FILE_NOT_FOUND, FILE_UNREADABLE.
 */
export async function retagRules(
  written: readonly string[] = [],
  files: readonly string[] = [],
): Promise<(RetagRule | LocatedRule)[]> {
  const read: LocatedRule[] = [];
  for (const file of files) {
    const { readRetagRules } = await import('../config/retag-file.ts');
    read.push(...(await readRetagRules(file)));
  }
  return [...written.map(parseRetagRule), ...read];
}

/** Folds the same image under the same name into one. */
class Wanted {
  readonly #images = new Map<string, WantedImage>();
  /** The image that goes on under a name. */
  readonly #targets = new Map<string, WantedImage>();

  add(image: Omit<WantedImage, 'origins'>, origin: Origin): void {
    const { name, as, platforms } = image;
    const key = `${formatReference(name)} ${as ? formatReference(as) : ''}`;
    const before = this.#images.get(key);
    if (before === undefined) {
      const added = { name, ...(as && { as }), ...(platforms && { platforms }), origins: [origin] };
      this.#images.set(key, added);
      if (as) this.#claim(added, as, origin);
      return;
    }
    if (before.origins.length < MOST_ORIGINS) before.origins.push(origin);
    if (before.platforms === undefined || platforms === undefined) delete before.platforms;
    else before.platforms = [...new Set([...before.platforms, ...platforms])];
  }

  images(sources: readonly string[]): WantedImage[] {
    if (this.#images.size > 0) return [...this.#images.values()];
    throw new AirferryError('IMAGE_NOT_FOUND', `no image is named in ${sources.join(' and ')}`, {
      suggestions: ['Leave the flag out to take all images.'],
    });
  }

  #claim(image: WantedImage, as: Reference, { where }: Origin): void {
    const target = formatReference(as);
    const other = this.#targets.get(target);
    this.#targets.set(target, image);
    if (other === undefined) return;
    const names = [other, image].map(({ name }) => familiarName(name));
    throw new AirferryError('RULE_COLLISION', `${names.join(' and ')} would both get the name ${target}`, {
      where,
      suggestions: ['Give one of them another name in its list.'],
    });
  }
}

function projectFiles(project: string): string[] {
  return project.split(':').filter(file => file !== '');
}
