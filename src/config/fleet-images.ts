/** The images that a host of the fleet gets, out of those that a bundle has. */
import { familiarName, parseReference, type Reference } from '../content/reference.ts';
import { isAirferryError } from '../errors.ts';
import { matchesGlob } from '../support/glob.ts';

/**
 * Whether an image with these names is one of a set: names as Docker shows them (`nginx:1.25`; `nginx` is every tag of
 * it), or globs (`hub.company.com/web/*`, `*:1.25`). No set means every image, an empty one none.
 */
export function isInImageSet(names: readonly Reference[], set: readonly string[] | undefined): boolean {
  if (set === undefined) return true;
  return names.some(name => set.some(pattern => matches(familiarName(name), pattern)));
}

/** The patterns of a set that none of the images has, for a warning: most likely they are mistyped. */
export function unmatched(set: readonly string[], images: readonly (readonly Reference[])[]): string[] {
  return set.filter(pattern => !images.some(names => isInImageSet(names, [pattern])));
}

function matches(name: string, pattern: string): boolean {
  if (/[*?]/.test(pattern)) return matchesGlob(pattern, name);
  const repository = name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  return (
    name === pattern || repository === pattern || name === familiar(pattern) || repository === bare(pattern)
  );
}

/** `docker.io/library/nginx:1.25` as `nginx:1.25`; what is no name stays as it is. */
function familiar(pattern: string): string {
  try {
    return familiarName(parseReference(pattern));
  } catch (error) {
    if (isAirferryError(error, 'REFERENCE_INVALID')) return pattern;
    throw error;
  }
}

/** The same for a pattern without a tag, which stands for all of them. */
function bare(pattern: string): string {
  return /[:@]/.test(pattern.slice(pattern.lastIndexOf('/') + 1))
    ? pattern
    : familiar(pattern).replace(/:latest$/, '');
}
