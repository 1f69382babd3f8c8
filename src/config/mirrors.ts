/** Where the publishers' files are fetched from instead: a map of the beginnings of addresses. */
import { type Path, pathText } from './problem.ts';
import type { RecipeShape } from './recipe-schema.ts';
import type { Report } from './report.ts';

/** Addresses that begin with `from` begin with `to` instead. Both end in a slash. */
export interface Mirror {
  from: string;
  to: string;
}

/** The mirrors of a recipe, mistakes reported. */
export function mirrorSpecs(mirrors: NonNullable<RecipeShape['mirrors']>, report: Report): Mirror[] {
  return Object.entries(mirrors).map(([from, to]) => ({
    from: readAddress(from, ['mirrors', from], 'key', report),
    to: readAddress(to, ['mirrors', from], 'value', report),
  }));
}

function readAddress(text: string, path: Path, what: 'key' | 'value', report: Report): string {
  const read = mirrorAddress(text);
  if ('url' in read) return read.url;
  report.add(path, `\`${pathText(path)}\` ${read.problem}`, what);
  return text;
}

/** The beginning of an address, with a slash at its end; `github.com` is `https://github.com/`. */
export function mirrorAddress(text: string): { url: string } | { problem: string } {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '')
    return { problem: 'must be the beginning of an address, e.g. https://mirror.company.com/docker/' };
  if (url.username !== '' || url.password !== '') return { problem: 'must not hold a user name or password' };
  if (url.search !== '' || url.hash !== '') return { problem: 'must not have `?` or `#`' };
  return { url: url.href.endsWith('/') ? url.href : `${url.href}/` };
}
