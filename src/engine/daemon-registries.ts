/** Do `registry-mirrors` and `insecure-registries` name registries as dockerd wants them, and the same ones? */
import { closest } from '../support/suggest.ts';
import { errorFinding, type Finding, warnFinding } from './finding.ts';
import { shown } from './shown.ts';

/** Findings about both lists; values are lists of texts already. */
export function registryFindings(config: Record<string, unknown>): Finding[] {
  const mirrors = list(config['registry-mirrors']);
  const insecure = list(config['insecure-registries']);
  return [
    ...insecure.flatMap(insecureFindings),
    ...mirrors.flatMap(mirror => mirrorFindings(mirror, insecure.map(withoutScheme))),
  ];
}

function mirrorFindings(mirror: string, insecure: string[]): Finding[] {
  const key = 'registry-mirrors';
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(mirror)?.[1]?.toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') {
    const host = withoutScheme(mirror);
    const meant = `${insecure.includes(host) ? 'http' : 'https'}://${host}`;
    const why = scheme === undefined ? 'has no scheme' : `has the scheme ${scheme}`;
    return [errorFinding(key, `the mirror ${shown(mirror)} ${why}`, `Write "${meant}".`)];
  }
  if (!URL.canParse(mirror)) return [errorFinding(key, `the mirror ${shown(mirror)} is no URL`)];
  const url = new URL(mirror);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return [
      errorFinding(
        key,
        `the mirror ${url.protocol}//${url.host} carries a user, password, query or fragment: dockerd refuses that`,
        `Write "${url.protocol}//${url.host}".`,
      ),
    ];
  const host = withoutScheme(mirror).replace(/\/.*$/, '');
  if (insecure.includes(host)) return [];
  const near = closest(host, insecure);
  if (near === undefined) return [];
  return [
    warnFinding(
      key,
      `the mirror's host ${host} is not among "insecure-registries", but ${near} is`,
      `Did you mean "${scheme}://${near}"?`,
    ),
  ];
}

function insecureFindings(registry: string): Finding[] {
  const host = withoutScheme(registry);
  if (host === registry && registry !== '' && !/\s/.test(registry)) return [];
  const finding = errorFinding(
    'insecure-registries',
    `${shown(registry)} in "insecure-registries" is not a plain host[:port] or network`,
    host === '' || /\s/.test(host) ? undefined : `Write "${host}".`,
  );
  // dockerd strips these two schemes, and says so in its log
  return [/^https?:\/\/[^\s/]+$/i.test(registry) ? { ...finding, severity: 'warn' } : finding];
}

function withoutScheme(address: string): string {
  return address.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//, '').replace(/\/+$/, '');
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}
