/** Compose as cargo: v1 is a program of its own, v2 and later a plugin of the docker CLI that also runs on its own. */
import { AirferryError } from '../errors.ts';
import { elfPlatform, samePlatform } from './elf.ts';
import { describeHead } from './sniff.ts';
import { atLeast, type EngineVersion, parseVersion } from './version.ts';

export type ComposeKind = 'standalone' | 'plugin';

export interface ComposeBinary {
  name: string;
  version: string;
  kind: ComposeKind;
  platform: string;
  /** Bytes. */
  size: number;
}

/** Real ones have 10 to 70 MB. */
const SIZE_LIMITS = { min: 2 ** 20, max: 2 ** 29 };

/** Parse a compose version, with or without the `v` of its release tag. Throws COMPOSE_INVALID. */
export function parseComposeVersion(text: string): EngineVersion {
  return parseVersion(text.replace(/^v(?=\d)/, ''), 'a compose version', 'COMPOSE_INVALID');
}

/** How a compose version is used. Throws COMPOSE_INVALID. */
export function composeKind(version: string): ComposeKind {
  return atLeast(parseComposeVersion(version), '2') ? 'plugin' : 'standalone';
}

/**
 * Check a compose binary by its first 64 bytes and its size, against the version and, when given, the platform that
 * the recipe says. Throws COMPOSE_INVALID, ARCHIVE_TRUNCATED, PLATFORM_MISMATCH.
 */
export function inspectCompose(
  head: Uint8Array,
  file: { name: string; size: number; version: string; platform?: string },
): ComposeBinary {
  const { name, size } = file;
  const where = { file: name };
  const version = parseComposeVersion(file.version).text;
  const platform = elfPlatform(head);
  if (platform === undefined) {
    const what = describeHead(head) ?? 'not a Linux binary';
    throw new AirferryError('COMPOSE_INVALID', `${name} is ${what}, where the binary of compose should be`, {
      where,
      suggestions: [
        what === 'a web page'
          ? 'A proxy or login page was saved in its place: fetch it again, past the proxy.'
          : 'Use the release file itself: docker-compose-linux-<architecture>, not an archive of it.',
      ],
    });
  }
  if (file.platform !== undefined && !samePlatform(platform, file.platform)) {
    throw new AirferryError(
      'PLATFORM_MISMATCH',
      `${name} is built for ${platform}; the recipe says ${file.platform}`,
      { where, suggestions: [`Fetch compose ${version} for ${file.platform}.`] },
    );
  }
  if (size < SIZE_LIMITS.min)
    throw new AirferryError('ARCHIVE_TRUNCATED', `${name} has only ${size} bytes: it ends too early`, {
      where,
      suggestions: ['The copy or download was cut short: fetch it again.'],
    });
  if (size > SIZE_LIMITS.max)
    throw new AirferryError('COMPOSE_INVALID', `${name} has ${size} bytes, far more than compose ever had`, {
      where,
      suggestions: ['Check that the recipe names the right file.'],
    });
  return { name, version, kind: composeKind(version), platform, size };
}
