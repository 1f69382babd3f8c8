/** From a stream of bytes to a logged-in SSH client: algorithms, host key, login. */
import type { Duplex } from 'node:stream';
import ssh2, { type AuthHandlerMiddleware, type Client } from 'ssh2';
import { AirferryError, abortError } from '../errors.ts';
import { SSH_PORT } from './address.ts';
import type { Ask, Question } from './ask.ts';
import { Login } from './auth.ts';
import { prepareKey } from './cipher-key.ts';
import { handshakeError, hostKeyError, shownKey } from './connect-errors.ts';
import { hostKeyAlgorithms, judgeHostKey } from './known-hosts.ts';
import { defaultKnownHostsFiles, readKnownHosts, rememberHostKey } from './known-hosts-file.ts';
import { describeTarget, type HostTarget } from './target.ts';

export interface KnownHostsPolicy {
  /** Read in order; a new key goes to the first. None: the files of `ssh`. */
  files: readonly string[];
  /** Record the key of a host that is met for the first time, instead of refusing it. Never accepts a changed key. */
  acceptNew: boolean;
  /** Refuse it, even where the host's own settings would have it recorded. */
  strict?: boolean;
}

export interface HandshakeOptions {
  knownHosts: KnownHostsPolicy;
  /** Milliseconds for handshake and login together, without those in which the operator is asked. */
  timeoutMs: number;
  /** Milliseconds between keepalives; three without an answer end the connection, unless the target says otherwise. */
  keepaliveMs: number;
  /** Answers what the host wants to know of the operator. */
  ask?: Ask;
  /** Told what is worth a line: a host key that was recorded. */
  onNote?: (text: string) => void;
  signal?: AbortSignal;
}

/** Fastest first: with the AES instructions of every current processor, GCM beats the rest several times over. */
const CIPHERS = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes256-ctr',
  'aes192-ctr',
  'chacha20-poly1305@openssh.com',
] as const;

export const KEEPALIVES_MISSED = 3;

type SshError = Error & { level?: string };

/**
 * Shake hands and log in over `stream`. The client that comes back keeps an error listener, which it needs for ever.
 * @throws {AirferryError} HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_AUTH_FAILED, HOST_TIMEOUT, HOST_UNREACHABLE
 */
export async function handshake(
  target: HostTarget,
  stream: Duplex,
  { knownHosts, timeoutMs, keepaliveMs, ask, onNote, signal }: HandshakeOptions,
): Promise<Client> {
  const files =
    knownHosts.files.length > 0 ? knownHosts.files : (target.knownHosts ?? defaultKnownHostsFiles());
  const { address, port } = nameInKnownHosts(target);
  const acceptNew = knownHosts.acceptNew || (!knownHosts.strict && target.hostKey === 'accept-new');
  const outcome = Promise.withResolvers<void>();
  const patience = new Patience(timeoutMs, () => {
    const late = Object.assign(new Error('no end of the handshake'), { level: 'client-timeout' });
    outcome.reject(handshakeError(target, late));
  });
  const asking = ask && ((question: Question) => patience.during(() => ask(question)));
  const [entries, login] = await Promise.all([readKnownHosts(files), Login.prepare(target, asking)]);
  if (stream.destroyed) throw closedError(target, false);
  const client = new ssh2.Client();
  const state: { newKey?: Buffer; handshaken: boolean } = { handshaken: false };

  const verifyHost = (key: Buffer): boolean => {
    const verdict = judgeHostKey(entries, address, port, key);
    if (verdict.verdict === 'match') return true;
    if (verdict.verdict === 'unknown' && acceptNew) {
      state.newKey = key;
      return true;
    }
    outcome.reject(hostKeyError(target, key, verdict, files));
    return false;
  };
  const onError = (error: SshError): void => {
    const beforeLogin = !state.handshaken || error.level === 'client-timeout';
    const exhausted = /All configured authentication methods failed/.test(error.message);
    const inPassing = error.level === 'agent' || error.level === 'client-authentication';
    if (beforeLogin) outcome.reject(handshakeError(target, error));
    else if (inPassing && !exhausted) login.note(error.message);
    else outcome.reject(login.failure(error));
  };
  const onAbort = (): void => outcome.reject(abortError(signal));
  client.on('error', onError);
  client.on('handshake', () => {
    state.handshaken = true;
  });
  client.once('ready', () => outcome.resolve());
  client.once('close', () => outcome.reject(closedError(target, state.handshaken)));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const chooseLogin: AuthHandlerMiddleware = (accepted, _partial, next) => {
    const method = login.next(accepted);
    next(method as Exclude<typeof method, false>);
  };
  client.connect({
    sock: stream,
    username: target.user,
    hostVerifier: verifyHost,
    authHandler: chooseLogin,
    readyTimeout: 0,
    keepaliveInterval: target.keepaliveMs ?? keepaliveMs,
    keepaliveCountMax: target.keepalivesMissed ?? KEEPALIVES_MISSED,
    algorithms: {
      serverHostKey: hostKeyAlgorithms(entries, address, port),
      cipher: [...CIPHERS],
      compress: ['none'],
    },
  });
  try {
    patience.begin();
    await outcome.promise;
    if (state.newKey) {
      const file = files[0] ?? '';
      await rememberHostKey(file, address, port, state.newKey);
      onNote?.(`met for the first time: ${shownKey(state.newKey)}, now in ${file}`);
    }
    prepareKey(client);
    return client;
  } catch (error) {
    client.destroy();
    stream.destroy();
    throw error;
  } finally {
    patience.end();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The name under which a host's key is looked for; an alias stands for the port too, as in OpenSSH. */
function nameInKnownHosts({ address, port, hostKeyAlias }: HostTarget): { address: string; port: number } {
  return hostKeyAlias === undefined ? { address, port } : { address: hostKeyAlias, port: SSH_PORT };
}

/** A clock for the other side: it stands still while the operator is asked. */
class Patience {
  readonly #ms: number;
  readonly #late: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, late: () => void) {
    this.#ms = ms;
    this.#late = late;
  }

  begin(): void {
    this.end();
    this.#timer = setTimeout(this.#late, this.#ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  async during<T>(question: () => Promise<T>): Promise<T> {
    this.end();
    try {
      return await question();
    } finally {
      this.begin();
    }
  }
}

function closedError(target: HostTarget, handshaken: boolean): AirferryError {
  if (!handshaken) return handshakeError(target, new Error('Connection lost before handshake'));
  return new AirferryError(
    'HOST_CONNECTION_LOST',
    `${describeTarget(target)} closed the connection during the login`,
    {
      where: { host: target.name },
      suggestions: [
        'Look into the log of sshd on the host (journalctl -u sshd), then run the command again.',
      ],
    },
  );
}
