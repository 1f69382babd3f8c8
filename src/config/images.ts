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
  /** Every image that a compose file names. */
  | { kind: 'compose'; path: string; at: Position };

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
    const { archive, only, oci, ref, compose } = image;
    if (archive !== undefined) return [{ kind: 'archive', path: absolute(archive), only, at }];
    if (oci !== undefined) return [{ kind: 'oci', path: absolute(oci), ref, at }];
    return compose === undefined ? [] : [{ kind: 'compose', path: absolute(compose), at }];
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

function isOneThing(image: WrittenMap, path: Path, report: Report): boolean {
  const named = (['archive', 'oci', 'compose'] as const).filter(key => image[key] !== undefined);
  const name = `\`${pathText(path)}\``;
  if (named.length === 0) report.add(path, `${name} must have one of archive, oci or compose`);
  if (named.length > 1)
    report.add(
      path,
      `${name} has ${named.join(' and ')}, which exclude each other`,
      'value',
      'Make an entry of its own for each.',
    );
  if (image.only !== undefined && image.archive === undefined)
    report.add(
      [...path, 'only'],
      `\`${pathText([...path, 'only'])}\` belongs to an \`archive\``,
      'key',
      ...(image.oci === undefined ? [] : ['For an OCI layout, use `ref`.']),
    );
  if (image.only?.length === 0)
    report.add([...path, 'only'], `\`${pathText([...path, 'only'])}\` is empty: no image would be packed`);
  if (image.ref !== undefined && image.oci === undefined)
    report.add(
      [...path, 'ref'],
      `\`${pathText([...path, 'ref'])}\` belongs to an \`oci\` layout`,
      'key',
      ...(image.archive === undefined ? [] : ['For an archive, use `only: [name]`.']),
    );
  return named.length === 1;
}
