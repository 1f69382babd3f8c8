/** Which mirror an address is fetched from: those of the command line, then of the environment, then of the recipe. Pure. */
import { type Mirror, mirrorAddress } from '../../config/mirrors.ts';
import { AirferryError } from '../../errors.ts';

const VARIABLE = 'AIRFERRY_MIRROR_';

/** `--mirror FROM=TO`. Throws USAGE. */
export function mirrorOf(text: string, what = `--mirror ${text}`): Mirror {
  const equals = text.indexOf('=');
  const [from, to] = [text.slice(0, equals), text.slice(equals + 1)];
  if (equals < 1 || to === '') throw wrong(what, 'needs FROM=TO');
  return { from: address(from, what), to: address(to, what) };
}

/**
 * Mirrors in the environment: `AIRFERRY_MIRROR_DOWNLOAD_DOCKER_COM=https://mirror.company.com/docker` is for
 * https://download.docker.com. Throws USAGE.
 */
export function mirrorsIn(
  env: Readonly<Record<string, string | undefined>>,
  hosts: readonly string[],
): Mirror[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (!name.startsWith(VARIABLE) || !value) return [];
    const host = hosts.find(one => mirrorVariable(one) === name);
    if (host === undefined)
      throw wrong(name, `is for no publisher; there are ${hosts.map(mirrorVariable).join(', ')}`);
    return [{ from: `https://${host}/`, to: address(value, name) }];
  });
}

/** The variable of the environment that names a mirror of a host. */
export function mirrorVariable(host: string): string {
  return `${VARIABLE}${host.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

/** The address at the mirror. The first list that has one that fits decides; in it the longest beginning. */
export function mirrored(url: string, lists: readonly (readonly Mirror[])[]): string {
  for (const mirrors of lists) {
    const [best] = mirrors
      .filter(({ from }) => url.startsWith(from))
      .sort((a, b) => b.from.length - a.from.length);
    if (best) return best.to + url.slice(best.from.length);
  }
  return url;
}

function address(text: string, what: string): string {
  const read = mirrorAddress(text);
  if ('url' in read) return read.url;
  throw wrong(what, read.problem);
}

function wrong(what: string, why: string): AirferryError {
  return new AirferryError('USAGE', `${what} ${why}`, {
    suggestions: ['Write FROM=TO, as https://download.docker.com/=https://mirror.company.com/docker/.'],
  });
}
