/**
 * Image names: `[registry/]repository[:tag][@digest]`, read as Docker reads them.
 * Grammar: distribution/reference; a first component is a registry only if it has a `.` or `:`, or is `localhost`.
 */
import { AirferryError } from '../errors.ts';
import { type Digest, isDigest } from './digest.ts';

export interface Reference {
  /** Host, with the port if one was given: `docker.io`, `hub.company.com:5000`, `[::1]:5000`. */
  registry: string;
  /** Path within the registry: `library/nginx`. */
  repository: string;
  tag?: string;
  digest?: Digest;
}

const DOMAIN_LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = `(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[0-9a-fA-F:.]+\\])`;
const REGISTRY = new RegExp(`^${HOST}(?::[0-9]{1,5})?$`);
const PATH_PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${PATH_PART}(?:/${PATH_PART})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const NAME_LIMIT = 255;
const DEFAULT_REGISTRY = 'docker.io';

/** Parse a name as a user writes it; a bare `nginx` is `docker.io/library/nginx:latest`. Throws REFERENCE_INVALID. */
export function parseReference(text: string): Reference {
  if (text.length > NAME_LIMIT + 300) throw invalid(text, 'it is too long');
  const { name, tag, digest } = splitName(text);
  const { registry, repository } = splitRegistry(name);
  if (!REGISTRY.test(registry)) throw invalid(text, `"${registry}" is not a registry host`);
  if (/[A-Z]/.test(repository)) {
    const lower = text.slice(0, name.length).toLowerCase() + text.slice(name.length);
    const isName = REPOSITORY.test(repository.toLowerCase());
    throw invalid(text, 'repository names are lower case', isName ? [`Write ${lower}.`] : []);
  }
  if (!REPOSITORY.test(repository)) throw invalid(text, `"${repository}" is not a repository name`);
  if (registry.length + 1 + repository.length > NAME_LIMIT)
    throw invalid(text, `the name has more than ${NAME_LIMIT} characters`);
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `"${tag}" is not a tag`);
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, `"${digest}" is not a digest`);
  const reference: Reference = { registry, repository };
  if (tag !== undefined) reference.tag = tag;
  if (digest !== undefined) reference.digest = digest;
  if (tag === undefined && digest === undefined) reference.tag = 'latest';
  return reference;
}

/** The whole name: `docker.io/library/nginx:1.25`. */
export function formatReference(reference: Reference): string {
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}

/** The name as Docker's user writes it: without `docker.io/` and `library/`, unless it would then mean something else. */
export function familiarName(reference: Reference): string {
  const whole = formatReference(reference);
  if (reference.registry !== DEFAULT_REGISTRY) return whole;
  const path = whole.slice(DEFAULT_REGISTRY.length + 1);
  if (/^library\/[^/]+$/.test(path)) return path.slice('library/'.length);
  return leadingRegistry(reference.repository) === undefined && path.includes('/') ? path : whole;
}

/** The registry that a name begins with; undefined where it leaves the registry out. */
export function leadingRegistry(name: string): string | undefined {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  return /[.:]/.test(first) || first === 'localhost' ? first : undefined;
}

/** Whether text is a repository's name within its registry: `library/nginx`. */
export function isRepositoryName(text: string): boolean {
  return text.length <= NAME_LIMIT && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** A registry's address on its own: `hub.company.com`, `127.0.0.1:5000`. Throws REFERENCE_INVALID. */
export function parseRegistryAddress(text: string): string {
  if (REGISTRY.test(text)) return text;
  const scheme = /^https?:\/\//.test(text);
  throw new AirferryError('REFERENCE_INVALID', `"${text}" is not a registry address`, {
    suggestions: [
      scheme
        ? 'Write host[:port] without a scheme; --plain-http asks for HTTP.'
        : 'Write host[:port], for example hub.company.com or 10.0.0.5:5000.',
    ],
  });
}

function splitName(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@');
  const digest = at >= 0 ? text.slice(at + 1) : undefined;
  const tagged = at >= 0 ? text.slice(0, at) : text;
  const colon = tagged.lastIndexOf(':');
  if (colon <= tagged.lastIndexOf('/')) return { name: tagged, digest };
  return { name: tagged.slice(0, colon), tag: tagged.slice(colon + 1), digest };
}

function splitRegistry(name: string): { registry: string; repository: string } {
  const first = leadingRegistry(name);
  const path = first === undefined ? name : name.slice(first.length + 1);
  const registry = first === undefined || first === 'index.docker.io' ? DEFAULT_REGISTRY : first;
  const official = registry === DEFAULT_REGISTRY && !path.includes('/');
  return { registry, repository: official ? `library/${path}` : path };
}

function invalid(text: string, why: string, suggestions: string[] = []): AirferryError {
  const shown = text.length > 120 ? `${text.slice(0, 117)}...` : text;
  return new AirferryError('REFERENCE_INVALID', `"${shown}" is not an image name: ${why}`, { suggestions });
}
