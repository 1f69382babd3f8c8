/** `image retag`: new names for images where they are, without moving a layer. */
import { statSync } from 'node:fs';
import { isBundle } from '../bundle/open.ts';
import { retagBundle } from '../bundle/retag.ts';
import type { Digest } from '../content/digest.ts';
import { familiarName, formatReference, parseReference } from '../content/reference.ts';
import type { RetagRule } from '../content/retag.ts';
import { AirferryError } from '../errors.ts';
import {
  type FileLocation,
  formatLocation,
  type Location,
  type PathLocation,
} from '../transports/location.ts';
import type { NameChange, NameRequest } from '../transports/names.ts';
import { type Retagged, type RetagOptions, retagInPlace } from '../transports/retag-in-place.ts';
import { retagInEngineAt } from './retag-engine.ts';
import { type RegistryRetagOptions, retagInRegistry } from './retag-registry.ts';

export interface ImageRetagOptions extends RegistryRetagOptions {
  source: Location;
  /** The first that matches a name rewrites it. */
  rules?: readonly RetagRule[];
  /** One image and its new name. The image by name, digest, or `@0` for the first. */
  rename?: { from: string; to: string };
  /** Names that go. */
  remove?: readonly string[];
  /** The old names stay beside the new ones. */
  keep?: boolean;
}

export interface RetaggedImage {
  /** As Docker's user writes it; absent for content that had no name. */
  from?: string;
  /** None where the name was taken away. */
  to: string[];
  rule?: string;
  /** Of the manifest or index; of the config where there is no manifest. */
  digest: Digest;
  /** `planned`: a dry run. */
  outcome: 'retagged' | 'unchanged' | 'planned';
}

export interface ImagesRetagged {
  source: string;
  dryRun: boolean;
  images: RetaggedImage[];
}

/**
 * Retag images. Throws IMAGE_NOT_FOUND, REFERENCE_INVALID, RULE_INVALID and RULE_COLLISION before anything is changed;
 * FILE_UNWRITABLE with the command that copies instead, where names cannot be changed in place.
 */
export async function retagImages(options: ImageRetagOptions): Promise<ImagesRetagged> {
  const { source, rules, rename, remove, keep, dryRun = false, ...access } = options;
  const request: NameRequest = {
    ...(rules && { rules }),
    ...(rename && { rename: { from: rename.from, to: parseReference(rename.to) } }),
    ...(remove && { remove }),
    ...(keep && { keep }),
  };
  const retagged = await retagAt(source, request, { ...access, dryRun });
  const images = retagged.changes.map(change => describe(change, dryRun));
  return { source: retagged.source, dryRun, images };
}

function retagAt(location: Location, request: NameRequest, options: RegistryRetagOptions): Promise<Retagged> {
  switch (location.transport) {
    case 'docker':
      return retagInRegistry(location, request, options);
    case 'docker-daemon':
      return retagInEngineAt(location, request, options);
    default:
      return retagFile(location, request, options);
  }
}

async function retagFile(
  location: FileLocation | PathLocation,
  request: NameRequest,
  options: RetagOptions,
): Promise<Retagged> {
  const { path } = location;
  if (location.transport !== 'path' && location.name !== undefined) {
    throw new AirferryError('USAGE', `${formatLocation(location)} names an image beside the one to retag`, {
      suggestions: [`Write airferry image retag ${path} ${location.name} NEW-NAME.`],
    });
  }
  const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!folder && isBundle(path)) return retagBundle(path, request, options);
  return retagInPlace(path, request, options);
}

function describe({ from, to, rule, content }: NameChange, dryRun: boolean): RetaggedImage {
  const before = from ? [formatReference(from)] : [];
  const same = before.join() === to.map(formatReference).join();
  return {
    ...(from && { from: familiarName(from) }),
    to: to.map(familiarName),
    ...(rule === undefined ? {} : { rule }),
    digest: content,
    outcome: same ? 'unchanged' : dryRun ? 'planned' : 'retagged',
  };
}
