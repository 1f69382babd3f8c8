/** Asking a token server for a bearer token. distribution docs: "Token Authentication", "OAuth2 Token Authentication". */

import { isHtml, parseErrorBody, protocolError, RegistryError, refusalError } from './errors.ts';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { publicUrl, withParameter } from './location.ts';
import type { Credentials } from './login.ts';

const ANSWER_LIMIT = 256 * 1024;
const CLIENT_ID = 'airferry';
/** Seconds that a token lives when its server does not say; from the specification. */
const DEFAULT_LIFETIME = 60;

export interface TokenRequest {
  /** The registry as the operator writes it. */
  registry: string;
  realm: URL;
  service: string | undefined;
  /** `repository:library/nginx:pull,push`. */
  scopes: string[];
  credentials: Credentials | undefined;
  signal?: AbortSignal;
}

export interface Token {
  value: string;
  /** Milliseconds from now. */
  lifetimeMs: number;
}

/**
 * Fetch one token for all the scopes. Throws REGISTRY_UNAUTHORIZED when the login is refused, REGISTRY_PROTOCOL for
 * an answer that is no token, and what `Http.send` throws.
 */
export async function fetchToken(http: Http, request: TokenRequest): Promise<Token> {
  const { credentials, realm, registry } = request;
  const answer = await http.send(
    credentials?.kind === 'identity' ? oauth(request, credentials.token) : plain(request),
  );
  const contentType = answer.header('content-type') ?? '';
  const text = (await answer.bytes(ANSWER_LIMIT)).toString('utf8');
  if (answer.status !== 200) throw refused(request, answer, text);
  const { token, access_token: accessToken, expires_in: expiresIn } = parse(text);
  const value = [token, accessToken].find(candidate => typeof candidate === 'string' && candidate !== '');
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    const what = isHtml(contentType) ? 'a web page' : 'no token';
    throw protocolError(
      registry,
      `sends logins to ${realm.host}, which answered with ${what}`,
      publicUrl(realm),
    );
  }
  const seconds = typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : DEFAULT_LIFETIME;
  return { value, lifetimeMs: seconds * 1000 };
}

/** The header of HTTP Basic. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function plain({ realm, service, scopes, credentials, signal }: TokenRequest): HttpRequest {
  let url = realm;
  if (service !== undefined) url = withParameter(url, 'service', service);
  for (const scope of scopes) url = withParameter(url, 'scope', scope);
  if (credentials?.kind !== 'password') return { method: 'GET', url, signal };
  const { username, password } = credentials;
  url = withParameter(url, 'account', username);
  return { method: 'GET', url, authorization: basicAuthorization(username, password), signal };
}

function oauth({ realm, service, scopes, signal }: TokenRequest, refreshToken: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    refresh_token: refreshToken,
  });
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  return {
    method: 'POST',
    url: realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(form.toString()),
    signal,
  };
}

function refused(
  { registry, realm, credentials }: TokenRequest,
  answer: HttpAnswer,
  text: string,
): RegistryError {
  const contentType = answer.header('content-type') ?? '';
  const { status } = answer;
  if (status === 400 || status === 401) {
    return loginError(registry, credentials, {
      status,
      url: publicUrl(realm),
      ...parseErrorBody(text, contentType),
    });
  }
  return refusalError({
    registry,
    method: 'GET',
    url: publicUrl(realm),
    status,
    contentType,
    retryAfter: answer.header('retry-after'),
    text,
  });
}

interface LoginRefusal {
  status: number;
  url: string;
  message: string;
  codes: string[];
}

/** The error for a login that was refused, or is missing. */
export function loginError(
  registry: string,
  credentials: Credentials | undefined,
  refusal: LoginRefusal,
): RegistryError {
  const { status, url, message, codes } = refusal;
  const said = message ? `: ${message}` : '';
  const text = credentials
    ? `${registry} does not accept the ${describe(credentials)}${said}`
    : `${registry} wants a login, and Docker's config holds none for it${said}`;
  const suggestions = [`Log in: airferry registry login ${registry}`];
  if (credentials?.kind === 'password' && credentials.username.includes('$')) {
    suggestions.push("A robot account's name holds a $: write it in single quotes in a shell.");
  }
  return new RegistryError('REGISTRY_UNAUTHORIZED', text, {
    status,
    registryCodes: codes,
    where: { url },
    suggestions,
  });
}

function describe(credentials: Credentials): string {
  if (credentials.kind === 'password') return `user name and password of "${credentials.username}"`;
  return credentials.kind === 'identity'
    ? 'stored identity token; it may have expired'
    : 'stored bearer token';
}

function parse(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
