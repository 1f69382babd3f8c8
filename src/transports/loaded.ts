/** After a load the engine is asked what it has now, and that is held against what was sent. Pure. */
import { type Digest, shortDigest } from '../content/digest.ts';
import { formatPlatform, type Platform } from '../content/platform.ts';
import { AirferryError, type Where } from '../errors.ts';
import { saysNoSpace } from '../support/no-space.ts';
import type { ImageLoad } from './docker-load.ts';

/** What stands under a name, as an engine or another runtime tells. */
export interface StandingImage {
  /** Digest of its config or its manifest, whichever the engine knows images by. */
  id: string;
  /** Digest of the config, where `id` is another. */
  config?: string;
  platform: Platform;
  /** Digests of the uncompressed layers, lowest first. */
  diffIds: readonly string[];
  /** What the engine itself finds wrong: `incomplete`, `not unpacked`. */
  problem?: string;
}

const SAID_LINES = 5;

/** What of a loaded image is not as it was sent, in words; empty when all is. */
export function differences({ image, id }: Pick<ImageLoad, 'image' | 'id'>, found: StandingImage): string[] {
  const wrong: string[] = found.problem === undefined ? [] : [`it is ${found.problem}`];
  const config = image.config.descriptor.digest;
  const known = found.id === id || found.id === config || found.config === config;
  // A manifest that the runtime has written itself tells nothing where the config below it is not told.
  const untold = id === undefined && found.config === undefined && found.id !== config;
  if (!known && !untold) wrong.push(`its ID is ${found.id}, not ${id ?? config}`);
  const diffIds = image.layers.flatMap(({ diffId }) => diffId ?? []);
  if (diffIds.length === image.layers.length) wrong.push(...layerDifferences(diffIds, found.diffIds));
  const platform = platformDifference(image.platform, found.platform);
  if (platform) wrong.push(platform);
  return wrong;
}

/** How the layers of an image differ, in words; empty when they do not. */
export function layerDifferences(sent: readonly Digest[], found: readonly string[]): string[] {
  if (sent.length !== found.length) return [`it has ${found.length} layers, not ${sent.length}`];
  const at = sent.findIndex((diffId, i) => found[i] !== diffId);
  const layer = sent[at];
  return layer === undefined
    ? []
    : [`its layer ${at + 1} is ${shortDigest(found[at] as Digest)}, not ${shortDigest(layer)}`];
}

export function platformDifference(sent: Platform, found: Platform): string | undefined {
  if (found.os === sent.os && found.architecture === sent.architecture) return undefined;
  return `its platform is ${formatPlatform(found)}, not ${formatPlatform(sent)}`;
}

/** Images that did not arrive: on which host, how that showed, and what the engine said meanwhile. */
export interface FailedLoad {
  names: readonly string[];
  /** For messages: `h1 (ops@10.77.0.11)`. */
  place: string;
  where: Where;
  how: string;
  said: string;
  /** How to make room there, and what else to do. */
  room: string[];
  advice: string[];
}

/** HOST_DISK_FULL when that is why, else LOAD_FAILED. */
export function loadFailure({ names, place, where, how, said, room, advice }: FailedLoad): AirferryError {
  const what = said.trim().split('\n').slice(-SAID_LINES).join('\n');
  if (saysNoSpace(said)) {
    return new AirferryError(
      'HOST_DISK_FULL',
      `the disk of ${place} filled up while ${names.join(', ')} was loaded: ${what}`,
      { where, suggestions: room },
    );
  }
  return new AirferryError(
    'LOAD_FAILED',
    `${names.join(', ')} could not be loaded on ${place}: ${how}${what ? `: ${what}` : ''}`,
    { where, suggestions: advice },
  );
}
