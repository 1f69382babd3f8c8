/** Places for images as commands take them: with the name of a transport before them, or as a bare word. */
import { existsSync } from 'node:fs';
import { parseReference, type Reference } from '../content/reference.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { isPath, type Location, parseLocation } from '../transports/location.ts';
import type { WantedImage } from './image-names.ts';

/** What an image name means where no transport is given: as in `docker push`, or as in `docker pull`. */
export type BareName = 'docker-daemon' | 'docker';

/**
 * Where images come from. A word is a file or folder if one has that name or it looks like a path, else an image name.
 * Throws USAGE, REFERENCE_INVALID.
 */
export function sourceLocation(word: string, bare: BareName): Location {
  const location = parseLocation(word);
  if (location.transport !== 'path' || isPath(word) || existsSync(word)) return location;
  try {
    return named(word, bare);
  } catch (error) {
    if (!isAirferryError(error, 'REFERENCE_INVALID')) throw error;
    // `site.bundle` is no image name, nor is `Site 7`: it was meant to be a file.
    return location;
  }
}

/**
 * Where images go. A word is a docker-archive if it looks like a path to an archive, the OCI layout that lies there if
 * it is a folder, else a name in a registry. Throws USAGE, REFERENCE_INVALID.
 */
export function targetLocation(word: string): Location {
  const location = parseLocation(word);
  if (location.transport !== 'path') return location;
  if (/\.(?:gz|tgz|zst|bz2|xz)$/i.test(word)) {
    throw new AirferryError('USAGE', `"${word}": archives are not compressed as a whole; their layers are`, {
      suggestions: [`Write ${word.replace(/\.(?:tgz|(?:tar\.)?[a-z0-9]+)$/i, '.tar')}.`],
    });
  }
  if (/\.tar$/i.test(word)) return { transport: 'docker-archive', path: word };
  if (isPath(word)) return { transport: 'oci', path: word };
  const registry = parseLocation(`docker://${word}`);
  return registry;
}

/** What is read for images that are named one by one, beside places that were given. */
export interface Asked {
  sources: Location[];
  /** Undefined where only places were given: then all of them is wanted. */
  wanted?: readonly WantedImage[];
}

/**
 * The places to read, and the images that are wanted of them, where lists and compose files may ask for more than the
 * places that were `given`.
 */
export function asked(
  given: readonly Location[],
  wanted: readonly WantedImage[] | undefined,
  bare: BareName,
): Asked {
  if (!wanted) return { sources: [...given] };
  const sources = wanted.map(({ name }) => placeOf(name, bare));
  const images = given.flatMap(location => ('image' in location && location.image) || []);
  const also = images.map(name => ({ name, origins: [{ what: 'the command line', where: {} }] }));
  return { sources: [...given, ...sources], wanted: [...wanted, ...also] };
}

function named(word: string, bare: BareName): Location {
  if (bare === 'docker') return parseLocation(`docker://${word}`);
  return placeOf(parseReference(word), bare);
}

function placeOf(image: Reference, bare: BareName): Location {
  return bare === 'docker'
    ? { transport: 'docker', registry: image.registry, image }
    : { transport: 'docker-daemon', image };
}
