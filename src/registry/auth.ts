/** The login to one registry: learnt from its challenges, one token for each set of repositories, renewed in time. */
import { type Challenge, parseChallenges } from './challenge.ts';
import { protocolError, RegistryError } from './errors.ts';
import type { Http } from './http.ts';
import { publicUrl } from './location.ts';
import type { Credentials } from './login.ts';
import { basicAuthorization, fetchToken, loginError } from './token.ts';

export type Action = 'pull' | 'push';

/** What a request is allowed to do: the actions for each resource, such as `repository:library/nginx` or `registry:catalog`. */
export type Scope = ReadonlyMap<string, readonly string[]>;

export interface AuthOptions {
  http: Http;
  /** The registry as the operator writes it. */
  registry: string;
  /** Where requests go: `https://hub.company.com`. */
  origin: string;
  /** Asked for once, when the registry wants a login. */
  credentials(): Promise<Credentials | undefined>;
  signal?: AbortSignal;
}

interface Held {
  rights: Set<string>;
  /** `performance.now()` from which on it is not used any more. */
  until: number;
  authorization: string;
}

/** Part of a token's life that is left unused, and the milliseconds that this part never exceeds. */
const MARGIN = { share: 0.25, maxMs: 30_000 };

export class Authenticator {
  readonly #options: AuthOptions;
  #challenge: Challenge | undefined;
  #credentials: Promise<Credentials | undefined> | undefined;
  #tokens: Held[] = [];
  readonly #underWay = new Map<string, Promise<Held>>();

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /** Whether the registry has asked for a login so far. */
  get wanted(): boolean {
    return this.#challenge !== undefined;
  }

  /**
   * The Authorization header for a request, undefined as long as the registry has wanted none. Fetches a token when
   * none is held that covers the scope. Throws REGISTRY_UNAUTHORIZED, CREDENTIALS_INVALID, REGISTRY_PROTOCOL.
   */
  async authorization(scope: Scope): Promise<string | undefined> {
    if (!this.#challenge) return undefined;
    const credentials = await this.#login();
    if (this.#challenge.scheme === 'basic') {
      if (credentials?.kind === 'password')
        return basicAuthorization(credentials.username, credentials.password);
      throw loginError(this.#options.registry, credentials, {
        status: 401,
        url: this.#options.origin,
        message: '',
        codes: [],
      });
    }
    if (credentials?.kind === 'bearer') return `Bearer ${credentials.token}`;
    return (await this.#token(scope, this.#challenge)).authorization;
  }

  /**
   * Take in that a request with this header was answered 401; after it the request is worth repeating once.
   * A registry that has spoken of a token server keeps it: Harbor answers failed requests with `Basic`.
   */
  challenged(header: string | undefined, used: string | undefined): void {
    this.#tokens = this.#tokens.filter(token => token.authorization !== used);
    const challenges = parseChallenges(header ?? '');
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm);
    const basic = challenges.find(({ scheme }) => scheme === 'basic');
    if (bearer) this.#challenge = bearer;
    else if (basic) this.#challenge ??= basic;
    if (!this.#challenge) {
      throw protocolError(
        this.#options.registry,
        `wants a login of a kind that is not known here (${challenges.map(({ scheme }) => scheme).join(', ') || 'none named'})`,
        this.#options.origin,
      );
    }
  }

  /** The error for a request that is answered 401 although its login is fresh. */
  async refused(repository: string | undefined, message: string, url: string): Promise<RegistryError> {
    const { registry } = this.#options;
    const credentials = await this.#login();
    const proven = credentials?.kind === 'identity' || credentials?.kind === 'password';
    if (!proven || this.#challenge?.scheme !== 'bearer' || repository === undefined) {
      return loginError(registry, credentials, { status: 401, url, message, codes: ['UNAUTHORIZED'] });
    }
    const who = credentials.kind === 'password' ? `"${credentials.username}"` : 'this login';
    return new RegistryError(
      'REGISTRY_DENIED',
      `${registry} knows ${who}, but gives it no right to ${repository}`,
      {
        status: 401,
        registryCodes: ['UNAUTHORIZED'],
        where: { url },
        suggestions: [
          `On Harbor the project "${repository.split('/')[0]}" must exist before a push: create it there.`,
          'Check that this login may push to it: as developer or maintainer, or a robot account with push.',
        ],
      },
    );
  }

  async #token(scope: Scope, challenge: Challenge): Promise<Held> {
    const rights = [...scope].flatMap(([resource, actions]) =>
      actions.map(action => `${resource}:${action}`),
    );
    const now = performance.now();
    this.#tokens = this.#tokens.filter(token => token.until > now);
    const held = this.#tokens.find(token => rights.every(right => token.rights.has(right)));
    if (held) return held;
    const key = rights.sort().join(' ');
    const known = this.#underWay.get(key);
    if (known) return known;
    const fetched = this.#fetch(scope, new Set(rights), challenge).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, fetched);
    return fetched;
  }

  async #fetch(scope: Scope, rights: Set<string>, challenge: Challenge): Promise<Held> {
    const { http, registry, signal } = this.#options;
    const credentials = await this.#login();
    const realm = this.#realm(challenge, credentials !== undefined);
    const asked = performance.now();
    const token = await fetchToken(http, {
      registry,
      realm,
      service: challenge.parameters.service,
      scopes: [...scope].map(([resource, actions]) => `${resource}:${actions.join(',')}`),
      credentials,
      signal,
    });
    const margin = Math.min(MARGIN.maxMs, token.lifetimeMs * MARGIN.share);
    const held = { rights, until: asked + token.lifetimeMs - margin, authorization: `Bearer ${token.value}` };
    this.#tokens.push(held);
    return held;
  }

  /** The token server, if a login may be sent there: by HTTPS, or to the very host that was asked in plain HTTP. */
  #realm(challenge: Challenge, secret: boolean): URL {
    const { registry, origin } = this.#options;
    const text = challenge.parameters.realm ?? '';
    const realm = URL.canParse(text, origin) ? new URL(text, origin) : undefined;
    const own = new URL(origin);
    if (!realm || !/^https?:$/.test(realm.protocol) || realm.username || realm.password) {
      throw protocolError(registry, 'names a token server that is no web address', origin);
    }
    const clear = realm.protocol === 'http:' && (own.protocol !== 'http:' || realm.hostname !== own.hostname);
    if (secret && clear) {
      throw protocolError(
        registry,
        `wants the login sent in plain HTTP to ${realm.host}, which is refused`,
        publicUrl(realm),
      );
    }
    return realm;
  }

  #login(): Promise<Credentials | undefined> {
    this.#credentials ??= this.#options.credentials();
    return this.#credentials;
  }
}
