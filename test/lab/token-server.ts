/**
 * A small token server, as registries point to with `WWW-Authenticate: Bearer`. A program of its own, since it has to
 * run in the operator's network namespace: `node token-server.ts CONFIG.json`. Prints one line of JSON per request.
 * https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/
 */
import { createPrivateKey, type KeyObject, randomUUID, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';

export interface TokenServerConfig {
  address: string;
  port: number;
  tls: boolean;
  /** The certificate that signs tokens, and serves HTTPS with `tls`. */
  certFile: string;
  keyFile: string;
  issuer: string;
  service: string;
  username: string;
  password: string;
  /** How long a token lasts, in seconds. */
  seconds: number;
}

interface Access {
  type: string;
  name: string;
  actions: string[];
}

const config: TokenServerConfig = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const key = createPrivateKey(readFileSync(config.keyFile));
const certificate = new X509Certificate(readFileSync(config.certFile));
const refreshToken = randomUUID();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://token.lab');
  const oauth = request.method === 'POST';
  const query = oauth ? new URLSearchParams(await text(request)) : url.searchParams;
  const user = oauth ? oauthUser(query) : basicUser(request.headers.authorization ?? '');
  // In OAuth one `scope` holds all of them; in the older form there is one `scope` for each.
  const scopes = query.getAll('scope').flatMap(scope => scope.split(' ').filter(Boolean));
  const status = user === undefined ? 401 : 200;
  process.stdout.write(`${JSON.stringify({ method: request.method, user, scopes, status })}\n`);
  if (user === undefined)
    return reply(response, 401, {
      errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }],
    });
  const token = makeToken(user, scopes.map(parseScope), key);
  const wantsRefresh = query.get('offline_token') === 'true' || query.get('access_type') === 'offline';
  reply(response, 200, {
    ...(oauth ? { access_token: token } : { token }),
    expires_in: config.seconds,
    issued_at: new Date().toISOString(),
    ...(wantsRefresh && { refresh_token: refreshToken }),
  });
}

/** The name of the user that an OAuth request proves to be; nothing when it proves none. */
function oauthUser(query: URLSearchParams): string | undefined {
  const byToken = query.get('grant_type') === 'refresh_token' && query.get('refresh_token') === refreshToken;
  const byPassword =
    query.get('grant_type') === 'password' &&
    query.get('username') === config.username &&
    query.get('password') === config.password;
  return byToken || byPassword ? config.username : undefined;
}

/** The same for HTTP Basic; a request without any is nobody's, the empty name, and may pull nothing. */
function basicUser(header: string): string | undefined {
  if (header === '') return '';
  const decoded = Buffer.from(header.replace(/^Basic /i, ''), 'base64').toString('utf8');
  return decoded === `${config.username}:${config.password}` ? config.username : undefined;
}

function parseScope(scope: string): Access {
  const [type = '', ...rest] = scope.split(':');
  const actions = rest.pop() ?? '';
  return { type, name: rest.join(':'), actions: actions.split(',') };
}

/** A JSON web token of the kind that distribution checks; nobody is granted nothing. */
function makeToken(user: string, access: Access[], signer: KeyObject): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: 'JWT', alg: 'ES256', x5c: [certificate.raw.toString('base64')] };
  const claims = {
    iss: config.issuer,
    sub: user,
    aud: config.service,
    exp: now + config.seconds,
    nbf: now - 10,
    iat: now,
    jti: randomUUID(),
    access: user === '' ? [] : access,
  };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = `${encode(header)}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(payload), { key: signer, dsaEncoding: 'ieee-p1363' });
  return `${payload}.${signature.toString('base64url')}`;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const listener = (request: IncomingMessage, response: ServerResponse): void => {
  answer(request, response).catch(() => reply(response, 400, { errors: [{ code: 'UNSUPPORTED' }] }));
};
const server = config.tls
  ? createTlsServer({ key: readFileSync(config.keyFile), cert: readFileSync(config.certFile) }, listener)
  : createServer(listener);
server.listen(config.port, config.address);
