/** The platforms that hosts of a recipe may have. */
import { closest } from '../support/suggest.ts';
import { printable } from './problem.ts';
import type { Report } from './report.ts';

const KNOWN = ['amd64', 'arm64', 'arm/v7', 'arm/v6', 'ppc64le', 's390x'].map(name => `linux/${name}`);

/** Names that other tools give to the same things. */
const OTHER_NAMES: Record<string, string> = {
  x86_64: 'linux/amd64',
  x64: 'linux/amd64',
  aarch64: 'linux/arm64',
  'arm64/v8': 'linux/arm64',
  armhf: 'linux/arm/v7',
  armel: 'linux/arm/v6',
};

/** The platforms as written, `linux/amd64` when none are; those that Docker publishes no engine for are reported. */
export function checkPlatforms(platforms: readonly string[] | undefined, report: Report): string[] {
  if (platforms === undefined) return ['linux/amd64'];
  if (platforms.length === 0)
    report.add(
      ['platforms'],
      '`platforms` must name at least one platform',
      'value',
      'Write `platforms: [linux/amd64]`.',
    );
  for (const [index, platform] of platforms.entries()) {
    const path = ['platforms', index];
    if (platforms.indexOf(platform) < index)
      report.add(path, `the platform ${printable(platform)} is named twice`);
    if (KNOWN.includes(platform)) continue;
    const bare = platform.replace(/^linux\//, '');
    const near = OTHER_NAMES[bare] ?? closest(platform, KNOWN) ?? closest(`linux/${bare}`, KNOWN);
    const suggestion =
      near === undefined ? `The platforms known: ${KNOWN.join(', ')}.` : `Did you mean ${near}?`;
    report.add(
      path,
      `${printable(platform)} is not a platform that Docker engines exist for`,
      'value',
      suggestion,
    );
  }
  return [...platforms];
}
