/** The images that a recipe asks for, by where they come from. */
import { type Path, type Position, pathText, printable } from './problem.ts';
import type { RecipeShape } from './recipe-schema.ts';
import type { Report } from './report.ts';
import type { Absolute } from './sources.ts';

export type ImageSpec =
  /** Fetched from its registry; `as` is its name in the bundle, `platforms` stand in place of the recipe's. */
  | { kind: 'name'; name: string; as?: string; platforms?: string[]; at: Position }
  /** A `docker save` or OCI archive, or a bundle; `only` keeps the named images out of it. */
  | { kind: 'archive'; path: string; only?: string[]; bases?: string[]; parts?: string[]; at: Position }
  /** An OCI layout folder; `ref` keeps one image out of it. */
  | { kind: 'oci'; path: string; ref?: string; at: Position }
  /** Every image that compose files name, which are laid over one another; see `imagesOfCompose`. */
  | { kind: 'compose'; paths: string[]; profiles?: string[]; envFile?: string; at: Position }
  /** Every image that Kubernetes manifests name, a file or a folder; see `imagesOfManifests`. */
  | { kind: 'kubernetes'; path: string; at: Position }
  /** Every image of a list; see `readImageList`. */
  | { kind: 'list'; path: string; at: Position };

type Written = NonNullable<RecipeShape['images']>[number];
type WrittenMap = Exclude<Written, string>;

/** The list with absolute paths; entries that say nothing, or two things at once, are reported and left out. */
export function imageSpecs(images: readonly Written[], absolute: Absolute, report: Report): ImageSpec[] {
  return images.flatMap((image, index): ImageSpec[] => {
    const path = ['images', index];
    const at = report.at(path);
    if (typeof image === 'string') {
      checkName(image, path, report);
      return [{ kind: 'name', name: image, at }];
    }
    if (!isOneThing(image, path, report)) return [];
    const { name, archive, only, oci, ref, compose, kubernetes, list, profiles } = image;
    const whole = (text: string, key: string): string => absolute(text, [...path, key]);
    if (name !== undefined) return [fetched(image, name, path, report)];
    if (archive !== undefined) {
      const from = {
        ...(image.base && { bases: image.base.map(text => whole(text, 'base')) }),
        ...(image.parts && { parts: image.parts.map(text => whole(text, 'parts')) }),
      };
      return [{ kind: 'archive', path: whole(archive, 'archive'), only, ...from, at }];
    }
    if (oci !== undefined) return [{ kind: 'oci', path: whole(oci, 'oci'), ref, at }];
    if (kubernetes !== undefined) return [{ kind: 'kubernetes', path: whole(kubernetes, 'kubernetes'), at }];
    if (list !== undefined) return [{ kind: 'list', path: whole(list, 'list'), at }];
    const paths = [compose ?? []].flat().map(file => whole(file, 'compose'));
    const envFile = image['env-file'] === undefined ? undefined : whole(image['env-file'], 'env-file');
    return [{ kind: 'compose', paths, profiles, envFile, at }];
  });
}

function fetched(image: WrittenMap, name: string, path: Path, report: Report): ImageSpec {
  checkName(name, [...path, 'name'], report);
  const { as, platforms } = image;
  if (as !== undefined) checkName(as, [...path, 'as'], report);
  for (const [index, platform] of (platforms ?? []).entries()) {
    if (!/^linux\/[a-z0-9_]+(?:\/v\d)?$/.test(platform))
      report.add(
        [...path, 'platforms', index],
        `${printable(platform)} is not a platform`,
        'value',
        'Write os/architecture[/variant], e.g. linux/amd64.',
      );
  }
  const at = report.at(path);
  return { kind: 'name', name, ...(as !== undefined && { as }), ...(platforms && { platforms }), at };
}

/** A file where an image name belongs is the likeliest slip; what else a name may be is for its parser to say. */
function checkName(name: string, path: Path, report: Report): void {
  if (/^[./~]/.test(name) || /\.(?:tar|tgz|tar\.(?:gz|zst))$/.test(name)) {
    const hint = `Write \`- archive: ${printable(name)}\` for an archive, \`- oci: ${printable(name)}\` for an OCI layout.`;
    report.add(
      path,
      `\`${pathText(path)}\` looks like a file, but stands where the name of an image belongs`,
      'value',
      hint,
    );
  } else if (/\s/.test(name)) {
    report.add(path, `\`${pathText(path)}\` must be the name of an image, without spaces`);
  }
}

const PLACES = ['name', 'archive', 'oci', 'compose', 'kubernetes', 'list'] as const;

/** Keys that belong beside one of the places. */
const BESIDE = [
  { key: 'as', place: 'name', words: 'a `name`' },
  { key: 'platforms', place: 'name', words: 'a `name`' },
  { key: 'only', place: 'archive', words: 'an `archive`' },
  { key: 'base', place: 'archive', words: 'an `archive`' },
  { key: 'parts', place: 'archive', words: 'an `archive`' },
  { key: 'ref', place: 'oci', words: 'an `oci` layout' },
  { key: 'profiles', place: 'compose', words: 'a `compose` file' },
  { key: 'env-file', place: 'compose', words: 'a `compose` file' },
] as const;

function isOneThing(image: WrittenMap, path: Path, report: Report): boolean {
  const named = PLACES.filter(key => image[key] !== undefined);
  const name = `\`${pathText(path)}\``;
  if (named.length === 0)
    report.add(path, `${name} must have one of name, archive, oci, compose, kubernetes or list`);
  if (named.length > 1)
    report.add(
      path,
      `${name} has ${named.join(' and ')}, which exclude each other`,
      'value',
      'Make an entry of its own for each.',
    );
  for (const { key, place, words } of BESIDE) {
    const at = [...path, key];
    if (image[key] !== undefined && image[place] === undefined)
      report.add(at, `\`${pathText(at)}\` belongs to ${words}`, 'key', ...insteadOf(key, image));
  }
  for (const [key, none] of [
    ['only', 'no image would be packed'],
    ['compose', 'it must name a file'],
    ['platforms', 'no image would be packed'],
  ] as const) {
    const at = [...path, key];
    if (Array.isArray(image[key]) && image[key].length === 0)
      report.add(at, `\`${pathText(at)}\` is empty: ${none}`);
  }
  return named.length === 1;
}

/** What is meant by a key that stands beside the wrong place. */
function insteadOf(key: string, image: WrittenMap): string[] {
  if (key === 'only' && image.oci !== undefined) return ['For an OCI layout, use `ref`.'];
  if (key === 'ref' && image.archive !== undefined) return ['For an archive, use `only: [name]`.'];
  return [];
}
