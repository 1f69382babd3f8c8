/** What the fake registry answers: distribution-spec v2 in memory, and its token server. No socket in here. */
import { createHash, randomUUID } from 'node:crypto';
import type { FakeRegistry, Seen } from './fake-registry.ts';

export interface Answer {
  code: number;
  headers: Record<string, string>;
  bytes: Buffer;
  /** Bytes after which the connection is cut. */
  cutAfter?: number;
}

interface Manifest {
  mediaType: string;
  bytes: Buffer;
}

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const JSON_TYPE = { 'content-type': 'application/json' };

/** The spec's error body. */
export function errorBody(code: string, message = ''): unknown {
  return { errors: [{ code, message }] };
}

function say(code: number, headers: Record<string, string> = {}, bytes: Buffer | string = ''): Answer {
  return { code, headers, bytes: Buffer.from(bytes) };
}

function fail(code: number, name: string, headers: Record<string, string> = {}): Answer {
  return say(code, { ...JSON_TYPE, ...headers }, JSON.stringify(errorBody(name, name.toLowerCase())));
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The digest that a reference asks for: sha512 where it is one. */
function digestBy(reference: string, bytes: Uint8Array): string {
  return reference.startsWith('sha512:')
    ? `sha512:${createHash('sha512').update(bytes).digest('hex')}`
    : sha256(bytes);
}

export class Brain {
  readonly #registry: FakeRegistry;
  readonly #tokens = new Map<string, { rights: string[]; until: number }>();

  constructor(registry: FakeRegistry) {
    this.#registry = registry;
  }

  answer(seen: Seen, body: Buffer): Answer {
    const parameters = new URLSearchParams(seen.query);
    if (seen.path === '/token') return this.#token(seen, parameters, body);
    if (seen.path === '/v2/_catalog') return this.#catalog(seen, parameters.get('last') ?? '');
    const path = /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/(.*)$/.exec(seen.path);
    const [, repository = '', kind, rest = ''] = path ?? [];
    const action = seen.method === 'GET' || seen.method === 'HEAD' ? 'pull' : 'push';
    const from = parameters.get('from');
    const wanted = [repository ? `${repository}:${action}` : '', from ? `${from}:pull` : ''].filter(Boolean);
    if (!this.#allowed(seen, wanted)) return fail(401, 'UNAUTHORIZED', this.#challenge(wanted));
    if (seen.path === '/v2/') return say(200, JSON_TYPE, '{}');
    switch (kind) {
      case 'blobs/uploads':
        return seen.method === 'POST'
          ? this.#beginUpload(repository, parameters)
          : this.#upload(seen, repository, rest, parameters.get('digest'), body);
      case 'blobs':
        return this.#blob(seen, repository, rest);
      case 'manifests':
        return seen.method === 'PUT'
          ? this.#putManifest(seen, repository, rest, body)
          : this.#manifest(seen, repository, rest);
      case 'referrers':
        return this.#referrers(repository, rest);
      case 'tags':
        return this.#tags(repository, parameters.get('last') ?? '');
      default:
        return fail(404, 'NOT_FOUND');
    }
  }

  #beginUpload(repository: string, parameters: URLSearchParams): Answer {
    const { quirks, uploads } = this.#registry;
    const mount = parameters.get('mount');
    const source = this.#blobsOf(parameters.get('from') ?? '').get(mount ?? '');
    if (mount && typeof quirks.mount === 'number') return fail(quirks.mount, 'DENIED');
    if (mount && source && quirks.mount !== 'decline') {
      this.#blobsOf(repository).set(mount, source);
      return say(201, { location: `/v2/${repository}/blobs/${mount}` });
    }
    const id = randomUUID();
    uploads.set(id, { repository, parts: [] });
    const headers: Record<string, string> = { location: this.#location(repository, id) };
    if (quirks.chunkMin) headers['oci-chunk-min-length'] = `${quirks.chunkMin}`;
    return say(202, headers);
  }

  #upload(seen: Seen, repository: string, id: string, digest: string | null, body: Buffer): Answer {
    const { quirks, uploads } = this.#registry;
    if (quirks.needsLength && seen.bytes > 0 && !seen.headers['content-length']) return say(411);
    const upload = uploads.get(id);
    if (!upload) return fail(404, 'BLOB_UPLOAD_UNKNOWN');
    if (seen.method === 'DELETE') {
      uploads.delete(id);
      return say(204);
    }
    const before = upload.parts.reduce((size, part) => size + part.length, 0);
    if (quirks.doubtsOffsets && !seen.query.includes(`&_offset=${before}`)) {
      uploads.delete(id);
      return fail(404, 'BLOB_UPLOAD_INVALID');
    }
    const end = Math.max(0, before + body.length - 1);
    const place = { location: this.#location(repository, id), range: `0-${end}` };
    if (seen.method === 'GET') return say(204, place);
    const range = quirks.doubtsOffsets ? undefined : seen.headers['content-range'];
    if (range && range !== `${before}-${before + body.length - 1}`) return fail(416, 'BLOB_UPLOAD_INVALID');
    upload.parts.push(body);
    if (seen.method === 'PATCH')
      return say(quirks.patchStatus ?? 202, { ...place, location: this.#location(repository, id) });
    uploads.delete(id);
    const whole = Buffer.concat(upload.parts);
    if (!digest || digestBy(digest, whole) !== digest) return fail(400, 'DIGEST_INVALID');
    this.#blobsOf(repository).set(digest, whole);
    return say(quirks.putStatus ?? 201, { location: `/v2/${repository}/blobs/${digest}` });
  }

  #location(repository: string, id: string): string {
    const { quirks, origin, uploads } = this.#registry;
    const path = `/v2/${repository}/blobs/uploads/${id}`;
    if (quirks.doubtsOffsets) {
      const size = uploads.get(id)?.parts.reduce((sum, part) => sum + part.length, 0) ?? 0;
      return `${origin}${path}?_state=x&_offset=${size}`;
    }
    if (typeof quirks.location === 'function') return quirks.location(path);
    return quirks.location === 'relative'
      ? `${path}?_state=a%2Bb%20c~d+e`
      : `${origin}${path}?_state=x%3D%3D`;
  }

  #blob(seen: Seen, repository: string, digest: string): Answer {
    const { quirks } = this.#registry;
    const blob = this.#blobsOf(repository).get(digest);
    if (seen.method === 'HEAD') {
      if (quirks.headStatus) return say(quirks.headStatus);
      if (quirks.claimsAllBlobs) return say(200, { 'transfer-encoding': 'chunked' });
      return blob ? say(200, {}, blob) : say(404);
    }
    if (!blob) return fail(404, 'BLOB_UNKNOWN');
    if (quirks.blobsAt) return say(307, { location: `${quirks.blobsAt}${seen.path}?signature=secret` });
    const cutAfter = quirks.cutDownloads?.shift();
    const start = /^bytes=(\d+)-/.exec(seen.headers.range ?? '')?.[1];
    if (start === undefined || quirks.ignoresRange) return { ...say(200, {}, blob), cutAfter };
    const range = `bytes ${start}-${blob.length - 1}/${blob.length}`;
    return { ...say(206, { 'content-range': range }, blob.subarray(Number(start))), cutAfter };
  }

  #putManifest(seen: Seen, repository: string, reference: string, bytes: Buffer): Answer {
    const { config, layers = [], manifests = [], subject } = JSON.parse(bytes.toString());
    const named: { digest: string }[] = [...(config ? [config] : []), ...layers];
    if (named.some(({ digest }) => !this.#blobsOf(repository).has(digest)))
      return fail(400, 'MANIFEST_BLOB_UNKNOWN');
    const children: { digest: string }[] = manifests;
    if (children.some(({ digest }) => !this.#manifestsOf(repository).has(digest)))
      return fail(400, 'MANIFEST_BLOB_UNKNOWN');
    const manifest = { mediaType: seen.headers['content-type'] ?? '', bytes };
    this.#manifestsOf(repository).set(reference, manifest).set(digestBy(reference, bytes), manifest);
    const headers: Record<string, string> = { 'docker-content-digest': digestBy(reference, bytes) };
    if (this.#registry.quirks.referrers && subject) headers['oci-subject'] = subject.digest;
    return say(201, headers);
  }

  #referrers(repository: string, subject: string): Answer {
    const { quirks } = this.#registry;
    if (!quirks.referrers) return quirks.unknownRequest ?? say(404, {}, '404 page not found');
    const manifests = [...this.#manifestsOf(repository)].flatMap(([digest, { mediaType, bytes }]) => {
      const { subject: about, artifactType, annotations } = JSON.parse(bytes.toString());
      if (!digest.includes(':') || about?.digest !== subject) return [];
      return [{ mediaType, digest, size: bytes.length, artifactType, annotations }];
    });
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests });
    return say(200, { 'content-type': INDEX_TYPE }, index);
  }

  #catalog(seen: Seen, last: string): Answer {
    if (!this.#allowed(seen, ['registry:catalog:*'])) return fail(401, 'UNAUTHORIZED', this.#challenge([]));
    const repositories = [...this.#registry.manifests.keys()].sort();
    return this.#page('/v2/_catalog', 'repositories', repositories, last);
  }

  #manifest(seen: Seen, repository: string, reference: string): Answer {
    const { quirks } = this.#registry;
    if (seen.method === 'HEAD' && quirks.headStatus) return say(quirks.headStatus);
    const found = this.#manifestsOf(repository).get(reference);
    if (!found) return fail(404, 'MANIFEST_UNKNOWN');
    const headers: Record<string, string> = { 'content-type': `${found.mediaType}; charset=utf-8` };
    if (!quirks.noDigestHeader) headers['docker-content-digest'] = digestBy(reference, found.bytes);
    return say(200, headers, found.bytes);
  }

  #tags(repository: string, last: string): Answer {
    const { quirks } = this.#registry;
    const all = [...this.#manifestsOf(repository).keys()].filter(tag => !tag.includes(':')).sort();
    return this.#page(`/v2/${repository}/tags/list`, 'tags', quirks.nullTags ? null : all, last);
  }

  #page(path: string, field: string, all: string[] | null, last: string): Answer {
    const after = all?.filter(name => name > last);
    const page = after?.slice(0, this.#registry.quirks.tagPage ?? after.length);
    const headers: Record<string, string> = { ...JSON_TYPE };
    if (page && after && page.length < after.length)
      headers.link = `<${path}?last=${page.at(-1)}>; rel="next"`;
    return say(200, headers, JSON.stringify({ [field]: page ?? null }));
  }

  #token(seen: Seen, parameters: URLSearchParams, body: Buffer): Answer {
    const { quirks } = this.#registry;
    const { login, identityToken, projects, tokenSeconds, tokenField = 'token' } = quirks;
    const form = new URLSearchParams(body.toString());
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
    const oauth = seen.method === 'POST';
    const known = oauth
      ? form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === identityToken
      : !login || seen.headers.authorization === basic;
    if (!known) return fail(401, 'UNAUTHORIZED');
    const asked = oauth ? (form.get('scope') ?? '').split(' ') : parameters.getAll('scope');
    const rights = asked.flatMap(scope => {
      const [kind, repository = '', actions = ''] = scope.split(':');
      if (kind === 'registry') return quirks.catalogForbidden ? [] : [scope];
      const given = projects === undefined || projects.includes(repository.split('/')[0] ?? '');
      return given ? actions.split(',').map(action => `${repository}:${action}`) : [];
    });
    const token = randomUUID();
    this.#tokens.set(token, { rights, until: performance.now() + (tokenSeconds ?? 60) * 1000 });
    const lifetime = tokenSeconds === undefined ? {} : { expires_in: tokenSeconds };
    return say(200, JSON_TYPE, JSON.stringify({ [tokenField]: token, ...lifetime }));
  }

  /** Whether the login was good when the request came, as registries look at it. */
  #allowed({ headers, at }: Seen, wanted: string[]): boolean {
    const { auth, login } = this.#registry.quirks;
    if (!auth) return true;
    const [scheme, value = ''] = (headers.authorization ?? '').split(' ');
    if (auth === 'basic') {
      const plain = Buffer.from(value, 'base64').toString();
      return scheme === 'Basic' && plain === `${login?.username}:${login?.password}`;
    }
    const token = this.#tokens.get(value);
    return token !== undefined && token.until > at && wanted.every(right => token.rights.includes(right));
  }

  #challenge(wanted: string[]): Record<string, string> {
    const { auth, realm } = this.#registry.quirks;
    if (auth === 'basic') return { 'www-authenticate': 'Basic realm="harbor"' };
    const scope = wanted.map(right => `repository:${right}`).join(' ');
    const server = realm ?? `${this.#registry.origin}/token`;
    return { 'www-authenticate': `Bearer realm="${server}",service="fake, with a comma",scope="${scope}"` };
  }

  #blobsOf(repository: string): Map<string, Buffer> {
    const blobs = this.#registry.blobs.get(repository) ?? new Map();
    this.#registry.blobs.set(repository, blobs);
    return blobs;
  }

  #manifestsOf(repository: string): Map<string, Manifest> {
    const manifests = this.#registry.manifests.get(repository) ?? new Map();
    this.#registry.manifests.set(repository, manifests);
    return manifests;
  }
}
