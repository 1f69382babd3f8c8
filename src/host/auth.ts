/** Logging in: which keys, agent and passwords are offered to a host, in which order, and what became of each. */
import { readFile } from 'node:fs/promises';
import ssh2, { type AnyAuthMethod, type ParsedKey } from 'ssh2';
import { AirferryError, systemCode } from '../errors.ts';
import { type Ask, answering } from './ask.ts';
import { ChosenKeys } from './chosen-keys.ts';
import { describeTarget, expandHome, type HostTarget } from './target.ts';

/** OpenSSH's own, of the types that are still in use. */
export const DEFAULT_IDENTITIES: readonly string[] = [
  '~/.ssh/id_ed25519',
  '~/.ssh/id_ecdsa',
  '~/.ssh/id_rsa',
];

interface Attempt {
  /** In the words of an operator: `key ~/.ssh/id_ed25519`, `password`. */
  readonly title: string;
  readonly method: AnyAuthMethod;
}

/** One login's worth of attempts. `next` is asked by ssh2 for each; `failure` tells the operator what was tried. */
export class Login {
  readonly #target: HostTarget;
  readonly #attempts: Attempt[];
  readonly #unusable: readonly string[];
  readonly #tried: string[] = [];
  #accepted: readonly string[] = [];
  #askedWhatIsAccepted = false;

  private constructor(target: HostTarget, attempts: Attempt[], unusable: string[]) {
    this.#target = target;
    this.#attempts = attempts;
    this.#unusable = unusable;
  }

  /**
   * Read the keys: those named, then the agent, then the password (asked for directly or by keyboard-interactive). `ask`
   * answers what a host wants to know besides.
   * With none named, OpenSSH's default keys follow the agent.
   * @throws {AirferryError} FILE_NOT_FOUND, FILE_UNREADABLE for a named key.
   */
  static async prepare(target: HostTarget, ask?: Ask): Promise<Login> {
    const unusable: string[] = [];
    const named = target.identities.length > 0;
    const keys = await Promise.all(
      (named ? target.identities : DEFAULT_IDENTITIES).map(path => keyAttempt(target, path, named, unusable)),
    );
    const usable = keys.filter(key => key !== undefined);
    const agent = agentAttempts(target);
    const attempts = named ? [...usable, ...agent] : [...agent, ...usable];
    return new Login(target, [...attempts, ...passwordAttempts(target, ask)], unusable);
  }

  /** What to offer next; false when there is nothing left. `accepted` are the methods that the host would take. */
  next(accepted: readonly string[] | null): AnyAuthMethod | false {
    if (accepted) this.#accepted = accepted;
    if (!this.#askedWhatIsAccepted) {
      this.#askedWhatIsAccepted = true;
      return { type: 'none', username: this.#target.user };
    }
    // A host may want several methods, one after another: what it does not take now it may take later.
    const index = this.#attempts.findIndex(
      ({ method: { type } }) =>
        this.#accepted.length === 0 || this.#accepted.includes(type === 'agent' ? 'publickey' : type),
    );
    const [attempt] = index < 0 ? [] : this.#attempts.splice(index, 1);
    if (!attempt) return false;
    this.#tried.push(attempt.title);
    return attempt.method;
  }

  /** A named agent that does not answer, a key that cannot sign: not the end, but worth telling at the end. */
  note(problem: string): void {
    const last = this.#tried.length - 1;
    if (last >= 0) this.#tried[last] = `${this.#tried[last]} (${problem})`;
  }

  failure(cause?: unknown): AirferryError {
    const tried =
      this.#tried.length > 0 ? `it refused ${this.#tried.join(', ')}` : 'there was nothing to offer it';
    const details = [tried, ...this.#unusable];
    if (this.#accepted.length > 0) details.push(`it accepts ${this.#accepted.join(', ')}`);
    return new AirferryError(
      'HOST_AUTH_FAILED',
      `cannot log in to ${describeTarget(this.#target)}: ${details.join('; ')}`,
      { where: { host: this.#target.name }, suggestions: this.#advice(), cause },
    );
  }

  #advice(): string[] {
    const { user, address, port } = this.#target;
    const advice: string[] = [];
    if (this.#unusable.some(problem => problem.includes('encrypted'))) {
      advice.push('Load the encrypted key into an agent (ssh-add), or give its passphrase.');
    }
    if (this.#accepted.length === 0 || this.#accepted.includes('publickey')) {
      const at = port === 22 ? '' : `-p ${port} `;
      advice.push(`Name the right key with -i FILE, or install one: ssh-copy-id ${at}${user}@${address}`);
    }
    if (this.#accepted.some(method => method === 'password' || method === 'keyboard-interactive')) {
      advice.push('The host accepts passwords: check the one given, or have airferry ask for it.');
    }
    advice.push(`Check that the user "${user}" exists there and may log in.`);
    return advice;
  }
}

async function keyAttempt(
  target: HostTarget,
  path: string,
  named: boolean,
  unusable: string[],
): Promise<Attempt | undefined> {
  const text = await readKey(target, path, named);
  if (text === undefined) return undefined;
  const passphrase = target.passphrases?.get(expandHome(path)) ?? target.passphrase;
  const key = parseKey(text, passphrase?.reveal());
  if (key instanceof Error) {
    unusable.push(`key ${path} ${unusableBecause(key, passphrase !== undefined)}`);
    return undefined;
  }
  if (!key.isPrivateKey()) {
    unusable.push(`${path} is a public key, the private one is needed`);
    return undefined;
  }
  return { title: `key ${path}`, method: { type: 'publickey', username: target.user, key } };
}

async function readKey(target: HostTarget, path: string, named: boolean): Promise<Buffer | undefined> {
  try {
    return await readFile(expandHome(path));
  } catch (cause) {
    if (!named) return undefined;
    const missing = systemCode(cause) === 'ENOENT';
    throw new AirferryError(
      missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      `the private key for ${describeTarget(target)} ${missing ? 'does not exist' : `cannot be read: ${(cause as Error).message}`}`,
      {
        where: { file: path, host: target.name },
        suggestions: ['Name an existing key file with -i FILE.'],
        cause,
      },
    );
  }
}

function parseKey(text: Buffer, passphrase: string | undefined): ParsedKey | Error {
  const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(text, passphrase);
  if (!Array.isArray(parsed)) return parsed;
  return parsed[0] ?? new Error('it holds no key');
}

function unusableBecause(error: Error, passphraseGiven: boolean): string {
  if (!/passphrase|encrypted|decrypt|bad decrypt|integrity/i.test(error.message)) {
    return `is not a private key that can be used (${error.message})`;
  }
  return passphraseGiven
    ? 'is encrypted and the passphrase does not open it'
    : 'is encrypted and no passphrase was given';
}

function agentAttempts({ agent, user, identitiesOnly, identities }: HostTarget): Attempt[] {
  if (!agent) return [];
  const files = identities.length > 0 ? identities : DEFAULT_IDENTITIES;
  const keys = identitiesOnly ? new ChosenKeys(agent, files.map(expandHome)) : agent;
  return [{ title: 'keys of the SSH agent', method: { type: 'agent', username: user, agent: keys } }];
}

function passwordAttempts({ name, password, user }: HostTarget, ask: Ask | undefined): Attempt[] {
  const attempts: Attempt[] = [];
  if (password) {
    attempts.push({
      title: 'password',
      method: { type: 'password', username: user, password: password.reveal() },
    });
  }
  if (password || ask) {
    attempts.push({
      title: password ? 'password (keyboard-interactive)' : 'answers (keyboard-interactive)',
      method: {
        type: 'keyboard-interactive',
        username: user,
        prompt: answering({ host: name, password, ask }),
      },
    });
  }
  return attempts;
}
