/** The proxy of the site: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in the forms that Go and curl know. */
import { BlockList, isIP } from 'node:net';
import { AirferryError } from '../errors.ts';

export interface HttpProxy {
  /** With the login, if there is one: never for messages. */
  url: URL;
  /** The variable that names it. */
  variable: string;
}

/**
 * The proxy for requests to a URL, undefined where they go straight. Each name counts in upper and in lower case, upper
 * first, as for Docker; ALL_PROXY stands in for the other two. This machine itself is never asked through a proxy.
 * Throws USAGE for a value that is no proxy.
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): HttpProxy | undefined {
  const names = [url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY', 'ALL_PROXY'];
  const variable = names.flatMap(name => [name, name.toLowerCase()]).find(name => env[name]);
  if (variable === undefined) return undefined;
  const [host, port] = [hostOf(url), url.port || (url.protocol === 'https:' ? '443' : '80')];
  if (host === 'localhost' || isLoopback(host)) return undefined;
  if (excepted(host, port, env.NO_PROXY || env.no_proxy || '')) return undefined;
  return { url: parse(env[variable] ?? '', variable), variable };
}

function parse(value: string, variable: string): URL {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url;
  // The value may hold a password: it is not shown.
  const kind = url && url.hostname !== '' ? `a proxy of the kind ${url.protocol.slice(0, -1)}` : 'no proxy';
  throw new AirferryError('USAGE', `${variable} names ${kind}`, {
    suggestions: [
      `Write it like this: ${variable}=http://proxy.company.com:3128`,
      'For a registry that is reached without one, put its host into NO_PROXY.',
    ],
  });
}

/** `*`, hosts, `.suffixes`, addresses and CIDR ranges, each with a port if only that is meant; by commas or spaces. */
function excepted(host: string, port: string, list: string): boolean {
  const entries = list
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(entry => entry.toLowerCase());
  return entries.some(entry => entry === '*' || matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry.includes('/')) return inRange(entry, host);
  if (isIP(entry)) return entry === host;
  const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) || isIP(host)) return bare === host;
  // `company.com` is that host and all below it, `.company.com` and `*.company.com` only those below.
  const suffix = bare.replace(/^\*(?=\.)/, '');
  return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
}

function inRange(range: string, host: string): boolean {
  const [network = '', bits = ''] = range.split('/');
  const [family, other] = [isIP(network), isIP(host)];
  const prefix = Number(bits);
  if (family === 0 || family !== other || !/^\d{1,3}$/.test(bits) || prefix > (family === 4 ? 32 : 128))
    return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, prefix, kind);
  return list.check(host, kind);
}

function isLoopback(host: string): boolean {
  return host === '::1' || inRange('127.0.0.0/8', host);
}

function hostOf(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}
