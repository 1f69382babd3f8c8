/** Engine versions as Docker writes them: `18.06.3-ce`, `20.10.24`, `29.0.0-rc.1`, and Debian's `20.10.24+dfsg1`. */
import { AirferryError, type ErrorCode } from '../errors.ts';
import { shown } from './shown.ts';

export interface EngineVersion {
  /** As it was written. */
  text: string;
  major: number;
  minor: number;
  patch: number;
  /** `rc.1`, `beta3`; suffixes that name a build or an edition (`ce`, `dfsg1`) are none. */
  prerelease?: string;
}

/** A half-open range of versions, such as `{ from: '18.09', until: '20.10' }`; without `until` it has no end. */
export interface VersionRange {
  from: string;
  until?: string;
}

/** The oldest engine that airferry packs and installs. */
export const OLDEST_ENGINE = '18.03';

const VERSION = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:[-+~]([0-9A-Za-z.+~-]{1,64}))?$/;
const FLOOR = /^(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?$/;
const PRERELEASE = /^(?:alpha|beta|rc|tp|dev)/;

/** Parse the version of any engine, however old. Throws ENGINE_INVALID. */
export function parseEngineVersion(text: string): EngineVersion {
  return parseVersion(text, 'an engine version', 'ENGINE_INVALID');
}

/** Parse the version of an engine that is to be packed or installed: 18.03 or newer. Throws ENGINE_INVALID. */
export function supportedEngineVersion(text: string): EngineVersion {
  const version = parseEngineVersion(text);
  if (atLeast(version, OLDEST_ENGINE)) return version;
  throw new AirferryError('ENGINE_INVALID', `engine ${text} is older than ${OLDEST_ENGINE}`, {
    suggestions: [`Choose an engine from ${OLDEST_ENGINE} on.`],
  });
}

/** Parse `MAJOR.MINOR.PATCH[-suffix]`; `what` and `code` are for the error. */
export function parseVersion(text: string, what: string, code: ErrorCode): EngineVersion {
  const match = VERSION.exec(text);
  if (!match) {
    const bare = /^v(?=\d)/.test(text) ? text.slice(1) : undefined;
    const hint =
      bare !== undefined && VERSION.test(bare)
        ? `Write it without the v: ${bare}.`
        : 'Write all three numbers in quotes, such as "20.10.24".';
    throw new AirferryError(code, `${shown(text)} is not ${what}`, {
      suggestions: [hint],
    });
  }
  const [, major, minor, patch, suffix] = match;
  const version: EngineVersion = {
    text,
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
  };
  if (suffix !== undefined && PRERELEASE.test(suffix)) version.prerelease = suffix;
  return version;
}

/** Negative when `a` is older than `b`, positive when newer, 0 when they are the same but for a build suffix. */
export function compareEngineVersions(a: EngineVersion, b: EngineVersion): number {
  const numbers = a.major - b.major || a.minor - b.minor || a.patch - b.patch;
  if (numbers !== 0) return numbers;
  if (a.prerelease === b.prerelease) return 0;
  if (a.prerelease === undefined) return 1;
  if (b.prerelease === undefined) return -1;
  return a.prerelease.localeCompare(b.prerelease, 'en', { numeric: true });
}

/**
 * Whether a version is `floor` (`'23'`, `'18.09'`, `'19.03.14'`) or newer. A release candidate counts as the release:
 * what 29.0 brings, 29.0.0-rc.1 has.
 */
export function atLeast(version: EngineVersion | string, floor: string): boolean {
  const v = typeof version === 'string' ? parseEngineVersion(version) : version;
  const match = FLOOR.exec(floor);
  if (!match) throw new AirferryError('INTERNAL', `${floor} is not the floor of a version range`);
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map(part => Number(part ?? 0));
  return (v.major - major || v.minor - minor || v.patch - patch) >= 0;
}

/** Whether a version lies in a range. */
export function inRange(version: EngineVersion | string, range: VersionRange): boolean {
  return atLeast(version, range.from) && (range.until === undefined || !atLeast(version, range.until));
}
