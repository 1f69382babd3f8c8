/**
 * Where images are, as an operator writes it: `docker://hub.company.com/nginx:1.25`, `oci:layouts/redis`, `site.tar`.
 * Names of transports and the order of their parts are those of containers-transports(5). Pure.
 */
import { type Digest, isDigest } from '../content/digest.ts';
import {
  formatReference,
  parseReference,
  parseRegistryAddress,
  type Reference,
} from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { closest } from '../support/suggest.ts';

/** Files and folders whose format is named. */
export type FileTransport = 'docker-archive' | 'oci' | 'oci-archive' | 'bundle';

/** One image or all images of a registry. */
export interface RegistryLocation {
  transport: 'docker';
  registry: string;
  /** `team/` of `docker://hub.company.com/team/`: images go below it. */
  prefix?: string;
  /** Absent where only the registry is named. */
  image?: Reference;
}

export interface FileLocation {
  transport: FileTransport;
  path: string;
  /** The image in it, as written: a name, or the bare tag that layouts have; absent for all of them. */
  name?: string;
}

/** An engine: the local one, that of `DOCKER_HOST` or the current context, or the one whose address is given. */
export interface EngineLocation {
  transport: 'docker-daemon';
  /** `ssh://user@host[:port]`, `tcp://host:port`. */
  engine?: string;
  image?: Reference;
  /** By ID. */
  id?: Digest;
}

/** A file or folder whose format shows when it is opened. */
export interface PathLocation {
  transport: 'path';
  path: string;
}

export type Location = RegistryLocation | FileLocation | EngineLocation | PathLocation;

const FILES: readonly FileTransport[] = ['docker-archive', 'oci', 'oci-archive', 'bundle'];
const TRANSPORTS = ['docker', 'docker-daemon', ...FILES];
/** Transports of containers-transports(5) that are not ours. */
const FOREIGN = ['containers-storage', 'dir', 'ostree', 'sif', 'tarball'];
/** A word that is a registry, not an image of Docker Hub. `hub:5000` could be both, and needs a slash at its end. */
const BARE_REGISTRY = /^(?:localhost|[^/:@]*\.[^/:@]*|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;
const PREFIX = /^([a-z][a-z-]*):/;

/**
 * Read a location. What begins with no transport's name is a path: see `isPath` for telling it from an image name.
 * Throws USAGE with what is wrong and what was probably meant; REFERENCE_INVALID for a bad image name.
 */
export function parseLocation(text: string): Location {
  const transport = PREFIX.exec(text)?.[1];
  const rest = transport === undefined ? '' : text.slice(transport.length + 1);
  if (transport === 'docker' && rest.startsWith('//')) return parseRegistry(text, rest.slice(2));
  if (transport === 'docker-daemon') return parseEngine(text, rest);
  if (transport !== undefined && FOREIGN.includes(transport)) {
    throw invalid(text, `airferry does not read or write ${transport}:`, [
      `Places are ${['docker://', ...TRANSPORTS.slice(1).map(name => `${name}:`)].join(', ')}.`,
    ]);
  }
  const file = FILES.find(name => name === transport);
  if (file) return parseFile(text, file, rest);
  if (transport !== undefined && !rest.includes('/') && rest !== '') {
    const near = closest(transport, TRANSPORTS);
    if (near) throw invalid(text, `there is no transport "${transport}"`, [`Did you mean ${near}:?`]);
  }
  if (text === '') throw invalid(text, 'it is empty');
  return { transport: 'path', path: text };
}

/** Whether a word without a transport looks like a path rather than an image name: `./x`, `/x`, `x.tar`, `x.tar.gz`. */
export function isPath(text: string): boolean {
  return /^[./~]/.test(text) || /\.(?:tar|tgz|tar\.[a-z0-9]+)$/i.test(text);
}

/** The location as `parseLocation` reads it; for messages. */
export function formatLocation(location: Location): string {
  switch (location.transport) {
    case 'path':
      return location.path;
    case 'docker': {
      const { registry, prefix, image } = location;
      if (image) return `docker://${formatReference(image)}`;
      const slash = prefix || !BARE_REGISTRY.test(registry) ? '/' : '';
      return `docker://${registry}${prefix ? `/${prefix}` : ''}${slash}`;
    }
    case 'docker-daemon': {
      const { engine, image, id } = location;
      const name = image ? formatReference(image) : (id ?? '');
      return `docker-daemon:${engine ? `${engine}${name ? '/' : ''}` : ''}${name}`;
    }
    default:
      return `${location.transport}:${location.path}${location.name ? `:${location.name}` : ''}`;
  }
}

function parseRegistry(text: string, rest: string): RegistryLocation {
  if (rest === '') throw invalid(text, 'no registry or image is named');
  if (rest.endsWith('/')) {
    const [registry = '', ...path] = rest.slice(0, -1).split('/');
    const prefix = path.join('/');
    parseRegistryAddress(registry);
    if (prefix === '') return { transport: 'docker', registry };
    if (/[:@]/.test(prefix)) throw invalid(text, 'a tag or digest ends a name, and what ends with / is none');
    parseReference(`${registry}/${prefix}`);
    return { transport: 'docker', registry, prefix };
  }
  if (BARE_REGISTRY.test(rest)) return { transport: 'docker', registry: parseRegistryAddress(rest) };
  const image = parseReference(rest);
  return { transport: 'docker', registry: image.registry, image };
}

function parseEngine(text: string, rest: string): EngineLocation {
  const url = /^((?:ssh|tcp):\/\/[^/]+)(?:\/(.*))?$/.exec(rest);
  if (!url && /^[a-z]+:\/\//.test(rest))
    throw invalid(text, 'an engine is reached by ssh:// or tcp://, or is the local one', [
      'Write docker-daemon:ssh://user@host/IMAGE, or docker-daemon:IMAGE for the local engine.',
    ]);
  const [engine, name] = url ? [url[1], url[2] ?? ''] : [undefined, rest];
  const location: EngineLocation = { transport: 'docker-daemon', ...(engine ? { engine } : {}) };
  if (name === '') return location;
  if (isDigest(name)) return { ...location, id: name };
  return { ...location, image: parseReference(name) };
}

/** The last colon parts path and name, unless what follows it cannot be a name: `oci:C:/x`, `oci:dir:v1/y`. */
function parseFile(text: string, transport: FileTransport, rest: string): FileLocation {
  const named = /^([^:]+):(.+)$/s.exec(rest);
  const [path, name] = named ? [named[1] ?? '', named[2]] : [rest, undefined];
  if (path === '')
    throw invalid(text, 'no path is given', [`Write ${transport}:PATH or ${transport}:PATH:IMAGE.`]);
  if (rest.endsWith(':')) throw invalid(text, 'nothing follows the last colon');
  return { transport, path, ...(name === undefined ? {} : { name }) };
}

function invalid(text: string, why: string, suggestions: string[] = []): AirferryError {
  return new AirferryError('USAGE', `"${text}" is no place for images: ${why}`, {
    suggestions:
      suggestions.length > 0
        ? suggestions
        : [
            'Write a path, or docker://, docker-daemon:, docker-archive:, oci:, oci-archive: or bundle: before it.',
          ],
  });
}
