/** Where the engine and compose come from: a local file, an address with its digest, or their publisher. */
import { type Path, type Position, pathText, printable } from './problem.ts';
import type { Report } from './report.ts';

export type Source =
  /** A local file; the path is absolute. */
  | { kind: 'file'; platform: string; path: string; at: Position }
  /** An https address and the digest (`sha256:…`) of what it leads to. */
  | { kind: 'url'; platform: string; url: string; digest: string; at: Position }
  /** From the publisher's own address for that version and platform. */
  | { kind: 'publisher'; platform: string; at: Position };

/** The absolute path that a text at a place of the recipe means: relative ones begin at the file that it stands in. */
export type Absolute = (text: string, path: Path) => string;

type PerPlatform = string | Record<string, string>;

interface Written {
  path?: PerPlatform;
  url?: PerPlatform;
  sha256?: PerPlatform;
}

const VERSION = /^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-ce)?(?:-(?:alpha|beta|rc)\.?\d{1,3})?$/;

/** Three numbers, as publishers name their releases: `20.10.24`, `18.06.3-ce`, `29.0.0-rc.1`. */
export function checkVersion(component: Path, version: string, report: Report): void {
  if (VERSION.test(version)) return;
  const bare = version.replace(/^(?:v|docker-)/, '').replace(/\.(?:tgz|tar\.gz)$/, '');
  report.add(
    [...component, 'version'],
    `\`${pathText([...component, 'version'])}\` must be three numbers, e.g. 20.10.24, not ${printable(version)}`,
    'value',
    ...(bare !== version && VERSION.test(bare) ? [`Write \`version: ${bare}\`.`] : []),
  );
}

/**
 * One source for each platform.
 * @param component where the recipe names it: `engine`, `compose`, or one of `tools`
 * @param fileKey the key under it that names a local file
 */
export function sources(
  component: Path,
  fileKey: string,
  written: Written,
  platforms: readonly string[],
  absolute: Absolute,
  report: Report,
): Source[] {
  const { path, url, sha256 } = written;
  const key = (name: string): string => `\`${pathText([...component, name])}\``;
  if (path !== undefined && url !== undefined) {
    report.add(
      [...component, 'url'],
      `${key(fileKey)} and ${key('url')} exclude each other`,
      'key',
      'Keep the one that is meant.',
    );
    return [];
  }
  if (sha256 !== undefined && url === undefined) {
    report.add(
      [...component, 'sha256'],
      `${key('sha256')} belongs to a \`url\`, and there is none`,
      'key',
      'Take it out: the lock pins the digests of everything else.',
    );
  }
  if (path !== undefined) {
    return each([...component, fileKey], path, platforms, report).map(one => ({
      kind: 'file',
      platform: one.platform,
      path: absolute(one.value, one.path),
      at: report.at(one.path),
    }));
  }
  if (url === undefined) {
    return platforms.map(platform => ({
      kind: 'publisher',
      platform,
      at: report.at([...component, 'version']),
    }));
  }
  if (sha256 === undefined) {
    report.add(
      [...component, 'url'],
      `${key('url')} needs a \`sha256\` beside it`,
      'key',
      'Add the digest that the publisher names, or that `sha256sum` prints for a copy you trust.',
    );
    return [];
  }
  const digests = new Map(
    each([...component, 'sha256'], sha256, platforms, report).map(one => [one.platform, one]),
  );
  return each([...component, 'url'], url, platforms, report).map(one => {
    const sum = digests.get(one.platform);
    return {
      kind: 'url',
      platform: one.platform,
      url: checkUrl(one.value, one.path, report),
      digest: sum === undefined ? '' : checkSum(sum.value, sum.path, report),
      at: report.at(one.path),
    };
  });
}

function each(
  path: Path,
  value: PerPlatform,
  platforms: readonly string[],
  report: Report,
): { platform: string; value: string; path: Path }[] {
  if (typeof value === 'string') {
    const [only, second] = platforms;
    if (only !== undefined && second === undefined) return [{ platform: only, value, path }];
    if (only !== undefined) {
      report.add(
        path,
        `\`${pathText(path)}\` names one thing for ${platforms.length} platforms`,
        'value',
        `Name one for each: \`{ ${platforms.map(platform => `${platform}: …`).join(', ')} }\`.`,
      );
    }
    return [];
  }
  for (const platform of Object.keys(value)) {
    if (!platforms.includes(platform))
      report.add(
        [...path, platform],
        `\`${pathText(path)}\` names ${printable(platform)}, which is not among the recipe's platforms`,
        'key',
        `Its platforms are ${platforms.map(printable).join(', ')}.`,
      );
  }
  return platforms.flatMap(platform => {
    const found = value[platform];
    if (found !== undefined) return [{ platform, value: found, path: [...path, platform] }];
    report.add(path, `\`${pathText(path)}\` names nothing for ${printable(platform)}`, 'key');
    return [];
  });
}

/** An https address without a login; mistakes are reported. */
export function checkUrl(text: string, path: Path, report: Report): string {
  const name = `\`${pathText(path)}\``;
  const url = URL.parse(text);
  if (url === null) report.add(path, `${name} must be a whole address, e.g. https://example.com/docker.tgz`);
  else if (url.protocol !== 'https:') {
    report.add(
      path,
      `${name} must begin with https://: over ${printable(url.protocol)}// anyone on the way could see and change what is fetched`,
      'value',
      'If there is no https, download it by hand, check it, and name the file instead.',
    );
  } else if (url.username !== '' || url.password !== '') {
    report.add(
      path,
      `${name} must not hold a user name or password: they would end up in the lock`,
      'value',
      'Download it by hand and name the file instead.',
    );
  }
  return text;
}

/** A digest, with or without `sha256:` before it; mistakes are reported. */
export function checkSum(text: string, path: Path, report: Report): string {
  const hex = text.replace(/^sha256:/, '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex))
    report.add(
      path,
      `\`${pathText(path)}\` must be 64 hexadecimal digits, as \`sha256sum\` prints them; there are ${hex.length} characters`,
    );
  return `sha256:${hex}`;
}
