/** Opening a file or folder as a target for images: archives and layouts. Bundles have a door of their own. */
import { formatReference, parseReference, type Reference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { openArchiveTarget } from './archive/target.ts';
import type { FileLocation } from './location.ts';
import { openLayoutTarget } from './oci/target.ts';
import type { OpenedTarget } from './target.ts';

/** A location that `openFileTarget` opens. */
export type ImageFileLocation = FileLocation & { transport: Exclude<FileLocation['transport'], 'bundle'> };

export interface FileTargetOptions {
  /** Replace an archive that is there. Layouts are added to in any case. Default: refuse. */
  overwrite?: boolean;
  /** Blobs under way at once. Default 1 for archives, which suits sources on a disk; 4 for layouts. */
  concurrency?: number;
  signal?: AbortSignal;
}

/**
 * Open a target. Throws USAGE for a name that cannot be one, FILE_UNWRITABLE, ARCHIVE_INVALID for a folder that is no
 * layout. Where the location names an image, the one image that is copied there gets `targetName(location)`.
 */
export async function openFileTarget(
  location: ImageFileLocation,
  { overwrite, ...options }: FileTargetOptions = {},
): Promise<OpenedTarget> {
  const name = targetName(location);
  const key = name && formatReference(name);
  const written = (other: Reference): string | undefined =>
    key !== undefined && formatReference(other) === key ? location.name : undefined;
  switch (location.transport) {
    case 'oci':
      return openLayoutTarget(location.path, { ...options, written });
    case 'oci-archive':
      return openArchiveTarget('oci-archive', location.path, { ...options, overwrite, written });
    case 'docker-archive':
      return openArchiveTarget('docker-archive', location.path, { ...options, overwrite });
  }
}

/**
 * The name that a location gives to the one image that goes there. In layouts a bare tag, as skopeo's users write it, is
 * kept as it is beside that. Throws USAGE for `@0`, REFERENCE_INVALID.
 */
export function targetName(location: FileLocation): Reference | undefined {
  const { name } = location;
  if (name === undefined) return undefined;
  if (name.startsWith('@'))
    throw new AirferryError('USAGE', `"${name}" counts the images of a source; it names none of a target`, {
      suggestions: [`Write ${location.transport}:${location.path}:IMAGE, or leave the name out.`],
    });
  return parseReference(name);
}
