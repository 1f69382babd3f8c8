/** What the members of an engine archive amount to: which platform, which engines, and whether that is what was asked. */
import { AirferryError } from '../errors.ts';
import { elfPlatform, narrower, samePlatform } from './elf.ts';
import {
  describeRange,
  ENGINE_LAYOUTS,
  type EngineLayout,
  isEngineBinary,
  layoutOf,
  matchingLayouts,
  missingFrom,
} from './layouts.ts';
import { describeHead } from './sniff.ts';
import { supportedEngineVersion, type VersionRange } from './version.ts';

export interface EngineComponent {
  /** `dockerd` */
  name: string;
  /** Bytes. */
  size: number;
  /** Permission bits. */
  mode: number;
}

/** A plain file of the archive, with its first bytes. */
export interface ArchiveMember extends EngineComponent {
  head: Uint8Array;
}

export interface EngineArchive {
  /** What messages call it. */
  name: string;
  platform: string;
  /** The engine's binaries, in the order of the archive. */
  components: EngineComponent[];
  /** Names of further members, which are not installed. */
  extras: string[];
  /** The newest layout that the components satisfy. */
  layout: EngineLayout;
  /** The engines that the components may be. */
  versions: VersionRange;
}

/**
 * Sort members into the engine's binaries and the rest, and find their common platform.
 * Throws ARCHIVE_INVALID when architectures are mixed, ENGINE_INVALID when no engine is complete.
 */
export function describeMembers(name: string, members: readonly ArchiveMember[]): EngineArchive {
  const components: EngineComponent[] = [];
  const extras: string[] = [];
  let platform: string | undefined;
  for (const { head, ...component } of members) {
    const mine = isEngineBinary(component.name) ? elfPlatform(head) : undefined;
    if (mine === undefined) {
      extras.push(component.name);
      continue;
    }
    const common: string | undefined = platform === undefined ? mine : narrower(platform, mine);
    if (common === undefined) {
      throw new AirferryError(
        'ARCHIVE_INVALID',
        `${name} mixes architectures: ${components[0]?.name} is ${platform}, ${component.name} is ${mine}`,
        { where: { file: name }, suggestions: ["Use the publisher's archive for one platform."] },
      );
    }
    platform = common;
    components.push(component);
  }
  const names = components.map(component => component.name);
  const layouts = matchingLayouts(names);
  const oldest = layouts[0];
  const newest = layouts.at(-1);
  if (platform === undefined || oldest === undefined || newest === undefined)
    throw incomplete(name, names, members);
  const versions: VersionRange = { from: oldest.from };
  if (newest.until !== undefined) versions.until = newest.until;
  return { name, platform, components, extras, layout: newest, versions };
}

/**
 * Check that an archive is what the recipe says, and give back what an operator should know though it is no error.
 * Throws PLATFORM_MISMATCH, and ENGINE_INVALID when that version is not supported or needs a binary that the archive
 * lacks.
 */
export function checkEngineArchive(
  found: EngineArchive,
  wanted: { version: string; platform: string },
): string[] {
  const where = { file: found.name };
  if (!samePlatform(found.platform, wanted.platform)) {
    throw new AirferryError(
      'PLATFORM_MISMATCH',
      `${found.name} holds ${found.platform} binaries; the recipe says ${wanted.platform}`,
      {
        where,
        suggestions: [
          `Fetch the archive of engine ${wanted.version} for ${wanted.platform}.`,
          `Or, if the hosts are ${found.platform}, say so in the recipe: \`platforms: [${found.platform}]\`.`,
        ],
      },
    );
  }
  const layout = layoutOf(supportedEngineVersion(wanted.version));
  const names = found.components.map(component => component.name);
  const missing = layout ? missingFrom(names, layout) : [];
  if (missing.length > 0) {
    throw new AirferryError(
      'ENGINE_INVALID',
      `${found.name} is not engine ${wanted.version}: it lacks ${missing.join(', ')}`,
      { where, suggestions: [`Its contents are those of engine ${describeRange(found.versions)}.`] },
    );
  }
  const warnings: string[] = [];
  const said = /(?:^|\/)docker-(\d+\.\d+\.\d+)/.exec(found.name)?.[1];
  if (said !== undefined && said !== wanted.version.replace(/[-+~].*$/, ''))
    warnings.push(`${found.name} is named after engine ${said}; the recipe says ${wanted.version}`);
  if (found.extras.length > 0)
    warnings.push(`${found.name} also holds ${found.extras.join(', ')}, which will not be installed`);
  return warnings;
}

function incomplete(name: string, names: string[], members: readonly ArchiveMember[]): AirferryError {
  const missing = ENGINE_LAYOUTS.map(layout => missingFrom(names, layout)).reduce((best, next) =>
    next.length < best.length ? next : best,
  );
  const foreign = members.find(member => missing.includes(member.name));
  const message = foreign
    ? `${name} is no engine for Linux: ${foreign.name} is ${describeHead(foreign.head) ?? 'no binary'}`
    : `${name} is no whole engine: it lacks ${missing.join(', ')}`;
  return new AirferryError('ENGINE_INVALID', message, {
    where: { file: name },
    suggestions: ['Use the static archive of the engine for Linux: docker-<version>.tgz.'],
  });
}
