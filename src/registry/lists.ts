/** What there is in a registry: its repositories, and the tags of each. */
import { isObject } from '../support/is-object.ts';
import { RegistryError } from './errors.ts';
import { listed } from './pages.ts';
import type { Session } from './session.ts';

/** All tags of a repository, in the order of the registry. Throws REGISTRY_NOT_FOUND and other registry errors. */
export async function listTags(session: Session, repository: string): Promise<string[]> {
  const first = session.url(repository, 'tags/list');
  return Array.fromAsync(
    listed(session, {
      first,
      call: { repository, accept: [200] },
      what: 'tags',
      parse: text => names(text, 'tags'),
    }),
  );
}

/**
 * All repositories, as `_catalog` lists them. Many registries give that list to nobody, or to administrators alone:
 * that is a REGISTRY_DENIED which says so.
 */
export async function* listRepositories(session: Session): AsyncGenerator<string> {
  try {
    yield* listed(session, {
      first: session.url(undefined, '_catalog'),
      call: { rights: new Map([['registry:catalog', ['*']]]), accept: [200] },
      what: 'repositories',
      parse: text => names(text, 'repositories'),
    });
  } catch (error) {
    throw isForbidden(error) ? forbidden(session, error) : error;
  }
}

/** `{"tags": [...]}`; a repository that was emptied has `null`. */
function names(text: string, field: string): string[] | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (!isObject(json)) return undefined;
    const list = json[field];
    if (list === null || list === undefined) return [];
    return Array.isArray(list) ? list.filter(name => typeof name === 'string') : undefined;
  } catch {
    return undefined;
  }
}

function isForbidden(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  return error.code === 'REGISTRY_DENIED' || [401, 404, 405].includes(error.status ?? 0);
}

function forbidden({ registry }: Session, error: RegistryError): RegistryError {
  const { status, registryCodes, where } = error;
  return new RegistryError(
    'REGISTRY_DENIED',
    `${registry} does not list its repositories to this login (status ${status})`,
    {
      status,
      registryCodes: [...registryCodes],
      where,
      suggestions: [
        `Name a repository instead: airferry registry list ${registry}/REPOSITORY`,
        `Or log in as one who may list all of them: airferry registry login ${registry}`,
      ],
      cause: error,
    },
  );
}
