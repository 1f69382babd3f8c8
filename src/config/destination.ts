/** Other files of a recipe: where on the host they may go, and with what mode. */
import { posix } from 'node:path';
import { isReserved, RESERVED_HINT } from '../content/reserved.ts';
import { type Path, type Position, pathText, printable } from './problem.ts';
import type { RecipeShape } from './recipe-schema.ts';
import type { Report } from './report.ts';
import { type Absolute, checkSum, checkUrl } from './sources.ts';

export interface FileSpec {
  /** Absolute, on this machine; or it is fetched. */
  from?: string;
  /** An https address; without a digest the lock pins what it leads to. */
  url?: string;
  /** `sha256:…` */
  digest?: string;
  /** Absolute and normalised, on the host. */
  to: string;
  /** Permission bits, at most 0o777. */
  mode: number;
  at: Position;
}

type Written = NonNullable<RecipeShape['files']>[number];

/** Kernel interfaces: a write there is a command, not a file. */
const NOT_FILES = ['/proc', '/sys', '/dev'];

/** The list with absolute sources, normalised destinations and numeric modes; what cannot be is reported. */
export function fileDestinations(files: readonly Written[], absolute: Absolute, report: Report): FileSpec[] {
  const taken = new Map<string, number>();
  return files.map((file, index) => {
    const path = ['files', index];
    const to = checkDestination(file.to, [...path, 'to'], report);
    const first = taken.get(to);
    if (first === undefined) taken.set(to, index);
    else
      report.add(
        [...path, 'to'],
        `${printable(to)} is written twice; the first is on line ${report.at(['files', first, 'to']).line}`,
      );
    return {
      ...source(file, path, absolute, report),
      to,
      mode: checkMode(file.mode, [...path, 'mode'], report),
      at: report.at(path),
    };
  });
}

function source(
  { from, url, sha256 }: Written,
  path: Path,
  absolute: Absolute,
  report: Report,
): Pick<FileSpec, 'from' | 'url' | 'digest'> {
  const name = `\`${pathText(path)}\``;
  if (from !== undefined && url !== undefined)
    report.add([...path, 'url'], `${name} has from and url, which exclude each other`, 'key');
  if (from === undefined && url === undefined) report.add(path, `${name} must have one of from or url`);
  if (sha256 !== undefined && url === undefined)
    report.add([...path, 'sha256'], `\`${pathText([...path, 'sha256'])}\` belongs to a \`url\``, 'key');
  if (from !== undefined) return { from: absolute(from, [...path, 'from']) };
  if (url === undefined) return {};
  return {
    url: checkUrl(url, [...path, 'url'], report),
    ...(sha256 === undefined ? {} : { digest: checkSum(sha256, [...path, 'sha256'], report) }),
  };
}

function checkDestination(to: string, path: Path, report: Report): string {
  const name = `\`${pathText(path)}\``;
  const normal = posix.normalize(to);
  if (!to.startsWith('/')) report.add(path, `${name} must be an absolute path, e.g. /etc/motd`);
  else if (to.split('/').includes('..'))
    report.add(
      path,
      `${name} must not contain \`..\``,
      'value',
      `Write the path that is meant, ${printable(normal)}.`,
    );
  else if (to.endsWith('/')) report.add(path, `${name} must name the file itself, not the folder it goes to`);
  else if (normal !== to)
    report.add(
      path,
      `${name} must be written without \`//\` and \`.\``,
      'value',
      `Write \`to: ${printable(normal)}\`.`,
    );
  else {
    const forbidden = NOT_FILES.find(folder => to === folder || to.startsWith(`${folder}/`));
    if (forbidden !== undefined)
      report.add(path, `${name} must not be under ${forbidden}: nothing there is a file that stays`);
    else if (isReserved(to)) report.add(path, `${name} must not be ${printable(to)}: ${RESERVED_HINT}`);
  }
  return normal;
}

function checkMode(mode: string | undefined, path: Path, report: Report): number {
  const bits = Number.parseInt(mode ?? '0644', 8);
  if (bits > 0o777) {
    report.add(
      path,
      `\`${pathText(path)}\` sets setuid, setgid or the sticky bit, which airferry does not put on files`,
      'value',
      `Write \`mode: "0${(bits & 0o777).toString(8).padStart(3, '0')}"\`.`,
    );
  }
  return bits;
}
