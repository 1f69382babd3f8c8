/** Where an engine is, in the words of `DOCKER_HOST`: `unix:///var/run/docker.sock`, `ssh://ops@h1`, `tcp://h1:2376`. Pure. */
import { AirferryError } from '../../errors.ts';

/** Where the files for TLS lie, as Docker names them, and whether the engine's certificate has to be good. */
export interface EngineTls {
  /** Of `ca.pem`, `cert.pem` and `key.pem`; each may be missing where it is not needed. */
  folder: string;
  verify: boolean;
}

export type EngineAddress =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number; tls?: EngineTls }
  | { kind: 'ssh'; host: string; port?: number; user?: string; socket?: string };

export const SYSTEM_SOCKET = '/var/run/docker.sock';

/** The ports that Docker's own client takes. */
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * Read an engine's address. A tcp:// address means TLS where `tls` is given, and no TLS otherwise.
 * Throws USAGE for what is none, and for transports that only Windows has.
 */
export function parseEngineAddress(text: string, tls?: EngineTls): EngineAddress {
  const [, scheme, rest] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === 'unix') {
    if (rest?.startsWith('/')) return { kind: 'unix', path: rest };
    throw invalid(text, 'the path of its socket is not absolute');
  }
  if (scheme === 'npipe') throw invalid(text, 'named pipes exist on Windows only');
  if (scheme === 'fd') throw invalid(text, 'that is how dockerd is told to listen, not where it is');
  if (scheme !== 'tcp' && scheme !== 'ssh' && scheme !== 'http' && scheme !== 'https')
    throw invalid(text, 'it begins with none of unix://, ssh:// and tcp://');
  const url = parseUrl(text, scheme);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? undefined : Number(url.port);
  if (url.password !== '') throw invalid(withoutPassword(text), 'a password has no place in it');
  if (url.search !== '' || url.hash !== '') throw invalid(text, 'nothing may follow the port');
  if (scheme === 'ssh') {
    const user = decodeURIComponent(url.username);
    const socket = url.pathname === '/' ? '' : url.pathname;
    return {
      kind: 'ssh',
      host,
      ...(port === undefined ? {} : { port }),
      ...(user === '' ? {} : { user }),
      ...(socket === '' ? {} : { socket }),
    };
  }
  if (url.username !== '' || (url.pathname !== '' && url.pathname !== '/'))
    throw invalid(text, 'a tcp address is a host and a port');
  if (scheme === 'https' && !tls)
    throw invalid(text, 'it asks for TLS, but no certificates are named', [TLS_ADVICE]);
  return { kind: 'tcp', host, port: port ?? (tls ? TLS_PORT : PLAIN_PORT), ...(tls ? { tls } : {}) };
}

/** The address as `parseEngineAddress` reads it; for messages. */
export function formatEngineAddress(address: EngineAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const port = address.port === undefined ? '' : `:${address.port}`;
  if (address.kind === 'tcp') return `tcp://${host}${port}`;
  return `ssh://${address.user === undefined ? '' : `${address.user}@`}${host}${port}${address.socket ?? ''}`;
}

export const TLS_ADVICE =
  'Set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem.';

function parseUrl(text: string, scheme: string): URL {
  let url: URL;
  try {
    // Of schemes that it does not know, URL checks neither host nor port; of http it does, but hides the port 80.
    url = new URL(`${scheme === 'ssh' ? 'ssh' : 'tcp'}:${text.slice(scheme.length + 1)}`);
  } catch {
    throw invalid(text, 'it is no URL');
  }
  if (!/^(?:[A-Za-z0-9_.-]+|\[[0-9a-fA-F:.]+\])$/.test(url.hostname) || url.hostname.startsWith('-'))
    throw invalid(text, url.hostname === '' ? 'it names no host' : `"${url.hostname}" is no host`);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.\\@$-]*$|^$/.test(decode(url.username)))
    throw invalid(text, 'its user name has characters that none has');
  return url;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '\0';
  }
}

function withoutPassword(text: string): string {
  return text.replace(/\/\/[^@]*@/, '//…@');
}

function invalid(text: string, why: string, suggestions?: string[]): AirferryError {
  return new AirferryError('USAGE', `"${text.slice(0, 200)}" is no address of an engine: ${why}`, {
    suggestions: suggestions ?? [
      'Write unix:///var/run/docker.sock, ssh://user@host[:port] or tcp://host:port.',
    ],
  });
}
