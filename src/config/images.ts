/** The images that a recipe asks for, by where they come from. */
import { type Path, type Position, pathText, printable } from './problem.ts';
import type { RecipeShape } from './recipe-schema.ts';
import type { Report } from './report.ts';

export type ImageSpec =
  /** Fetched from its registry. */
  | { kind: 'name'; name: string; at: Position }
  /** A `docker save` or OCI archive; `only` keeps the named images out of it. */
  | { kind: 'archive'; path: string; only?: string[]; at: Position }
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
export function imageSpecs(
  images: readonly Written[],
  absolute: (path: string) => string,
  report: Report,
): ImageSpec[] {
  return images.flatMap((image, index): ImageSpec[] => {
    const path = ['images', index];
    const at = report.at(path);
    if (typeof image === 'string') {
      checkName(image, path, report);
      return [{ kind: 'name', name: image, at }];
    }
    if (!isOneThing(image, path, report)) return [];
    const { archive, only, oci, ref, compose, kubernetes, list, profiles } = image;
    if (archive !== undefined) return [{ kind: 'archive', path: absolute(archive), only, at }];
    if (oci !== undefined) return [{ kind: 'oci', path: absolute(oci), ref, at }];
    if (kubernetes !== undefined) return [{ kind: 'kubernetes', path: absolute(kubernetes), at }];
    if (list !== undefined) return [{ kind: 'list', path: absolute(list), at }];
    const paths = [compose ?? []].flat().map(absolute);
    const envFile = image['env-file'] === undefined ? undefined : absolute(image['env-file']);
    return [{ kind: 'compose', paths, profiles, envFile, at }];
  });
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

const PLACES = ['archive', 'oci', 'compose', 'kubernetes', 'list'] as const;

/** Keys that belong beside one of the places. */
const BESIDE = [
  { key: 'only', place: 'archive', words: 'an `archive`' },
  { key: 'ref', place: 'oci', words: 'an `oci` layout' },
  { key: 'profiles', place: 'compose', words: 'a `compose` file' },
  { key: 'env-file', place: 'compose', words: 'a `compose` file' },
] as const;

function isOneThing(image: WrittenMap, path: Path, report: Report): boolean {
  const named = PLACES.filter(key => image[key] !== undefined);
  const name = `\`${pathText(path)}\``;
  if (named.length === 0)
    report.add(path, `${name} must have one of archive, oci, compose, kubernetes or list`);
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
