/** How the registries that a recipe's images come from are reached: mirrors, plain HTTP, private CAs. */
import { leadingRegistry, parseRegistryAddress } from '../content/reference.ts';
import { isAirferryError } from '../errors.ts';
import { type Path, type Position, pathText, printable } from './problem.ts';
import type { RecipeShape } from './recipe-schema.ts';
import type { Report } from './report.ts';
import type { Absolute } from './sources.ts';

export interface RegistrySpec {
  /** `docker.io`, `hub.company.com:5000` */
  host: string;
  /** Registries, or places below them, that are asked before it: `mirror.company.com/hub`. */
  mirrors: { registry: string; prefix?: string }[];
  plainHttp: boolean;
  /** A CA certificate, beside those of the machine and of Docker's certs.d. Absolute. */
  ca?: string;
  at: Position;
}

/** The registries of a recipe, mistakes reported. */
export function registrySpecs(
  registries: NonNullable<RecipeShape['registries']>,
  absolute: Absolute,
  report: Report,
): RegistrySpec[] {
  return Object.entries(registries).map(([host, written]) => {
    const path = ['registries', host];
    checkHost(host, path, 'key', report);
    const { ca } = written;
    return {
      host: host === 'index.docker.io' ? 'docker.io' : host,
      mirrors: (written.mirrors ?? []).map((mirror, i) =>
        readMirror(mirror, [...path, 'mirrors', i], report),
      ),
      plainHttp: written['plain-http'] ?? false,
      ...(ca === undefined ? {} : { ca: absolute(ca, [...path, 'ca']) }),
      at: report.at(path, 'key'),
    };
  });
}

function readMirror(text: string, path: Path, report: Report): RegistrySpec['mirrors'][number] {
  const slash = text.indexOf('/');
  const [registry, prefix] = slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
  if (/^https?:\/\//.test(text)) {
    const bare = text.replace(/^https?:\/\//, '').replace(/\/+$/, '');
    const http = text.startsWith('http:')
      ? ` For plain HTTP, add \`registries: { ${printable(bare.split('/')[0] ?? '')}: { plain-http: true } }\`.`
      : '';
    const hint = `Write \`${printable(bare)}\`.${http}`;
    report.add(path, `\`${pathText(path)}\` must be a registry without a scheme`, 'value', hint);
  } else if (slash >= 0 && leadingRegistry(text) === undefined)
    report.add(path, `\`${pathText(path)}\` must begin with a registry's host, e.g. mirror.company.com/hub`);
  else if (prefix !== '' && !/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(prefix))
    report.add(path, `\`${pathText(path)}\` has \`${printable(prefix)}\`, which is no path of a registry`);
  else checkHost(registry, path, 'value', report);
  return { registry, ...(prefix === '' ? {} : { prefix }) };
}

function checkHost(host: string, path: Path, what: 'key' | 'value', report: Report): void {
  try {
    parseRegistryAddress(host);
  } catch (error) {
    if (!isAirferryError(error)) throw error;
    report.add(path, `\`${pathText(path)}\`: ${error.message}`, what, 'Write host[:port] without a scheme.');
  }
}
