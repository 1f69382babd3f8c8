/** Where the publishers keep engines and compose: URLs for a version and a platform. Pure; nothing is fetched here. */
import { AirferryError } from '../errors.ts';
import { composeKind, parseComposeVersion } from './compose.ts';
import { atLeast, supportedEngineVersion } from './version.ts';

export interface PublishedFile {
  url: string;
  /** The last part of the URL. */
  fileName: string;
  /** A file of the publisher with the sha256 in its first 64 characters. Engines have none: the lock pins ours. */
  checksumUrl?: string;
}

const ENGINE_ROOT = 'https://download.docker.com/linux/static';
const COMPOSE_ROOT = 'https://github.com/docker/compose/releases/download';

const ENGINE_ARCHES: Record<string, string> = {
  'linux/amd64': 'x86_64',
  'linux/arm64': 'aarch64',
  'linux/arm/v7': 'armhf',
  'linux/arm/v6': 'armel',
  'linux/ppc64le': 'ppc64le',
  'linux/s390x': 's390x',
};

const COMPOSE_V2_ARCHES: Record<string, string> = {
  'linux/amd64': 'x86_64',
  'linux/arm64': 'aarch64',
  'linux/arm/v7': 'armv7',
  'linux/arm/v6': 'armv6',
  'linux/ppc64le': 'ppc64le',
  'linux/riscv64': 'riscv64',
  'linux/s390x': 's390x',
};

const COMPOSE_V1_ARCHES: Record<string, string> = { 'linux/amd64': 'x86_64' };

/** The publisher's archive of an engine. Throws ENGINE_INVALID, PLATFORM_INVALID. */
export function engineSource(version: string, platform: string): PublishedFile {
  const parsed = supportedEngineVersion(version);
  const arch = archOf(platform, ENGINE_ARCHES, `engine ${version}`);
  // Up to 18.06 the publisher's versions end in -ce, and are known without it.
  const edition = atLeast(parsed, '18.09') || version.endsWith('-ce') ? '' : '-ce';
  const channel = parsed.prerelease === undefined ? 'stable' : 'test';
  const fileName = `docker-${version}${edition}.tgz`;
  return { url: `${ENGINE_ROOT}/${channel}/${arch}/${fileName}`, fileName };
}

/** The publisher's compose binary. Throws COMPOSE_INVALID, PLATFORM_INVALID. */
export function composeSource(version: string, platform: string): PublishedFile {
  const { text } = parseComposeVersion(version);
  const standalone = composeKind(version) === 'standalone';
  const arch = archOf(platform, standalone ? COMPOSE_V1_ARCHES : COMPOSE_V2_ARCHES, `compose ${text}`);
  const fileName = standalone ? `docker-compose-Linux-${arch}` : `docker-compose-linux-${arch}`;
  const url = `${COMPOSE_ROOT}/${standalone ? text : `v${text}`}/${fileName}`;
  return { url, fileName, checksumUrl: `${url}.sha256` };
}

function archOf(platform: string, arches: Record<string, string>, what: string): string {
  const canonical = platform === 'linux/arm64/v8' ? 'linux/arm64' : platform;
  const arch = Object.hasOwn(arches, canonical) ? arches[canonical] : undefined;
  if (arch !== undefined) return arch;
  throw new AirferryError('PLATFORM_INVALID', `${what} is not published for ${platform}`, {
    suggestions: [
      `It is published for ${Object.keys(arches).join(', ')}.`,
      'Or name a file of your own in the recipe.',
    ],
  });
}
