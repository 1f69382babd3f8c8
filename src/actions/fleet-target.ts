/** How each host is reached: flags over the fleet file over ssh's own configuration over what `ssh` does by default. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { HostSettings, SecretSource } from '../config/fleet.ts';
import { AirferryError, systemCode } from '../errors.ts';
import { formatAddress, namesPort, parseAddress } from '../host/address.ts';
import { Secret } from '../host/secret.ts';
import { type Around, type SshDefaults, sshDefaults } from '../host/ssh-config/defaults.ts';
import { loadSshConfig, type SshConfig } from '../host/ssh-config/load.ts';
import type { Mistake } from '../host/ssh-config/parse.ts';
import { type HostTarget, hostTarget, localUser } from '../host/target.ts';

/** What flags say about logging in, to whichever host. */
export interface LoginOptions {
  /** ssh's configuration: a file instead of the usual ones, or `none`. */
  sshConfig?: string;
  /** Leave passwords that the fleet file refers to alone: nobody is going to log in. */
  withoutSecrets?: boolean;
  /** Private keys (-i), before the fleet's. */
  identities?: readonly string[];
  /** Where neither the file nor the address says one. */
  user?: string;
  /** False: never sudo. */
  sudo?: boolean;
  password?: Secret;
  passphrase?: Secret;
  sudoPassword?: Secret;
  environment?: NodeJS.ProcessEnv;
}

/** A host, as far as the fleet or the command line says it. */
export interface Wish extends HostSettings {
  name?: string;
  address: string;
  /** The fleet file, for errors. */
  file?: string;
}

/** Jumps that lead to jumps. */
const MOST_JUMPS = 8;
export const LOCALHOST = 'localhost';

export class Targets {
  readonly #options: LoginOptions;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #around: Around;
  readonly #config: SshConfig;
  readonly #mistakes = new Map<string, Mistake>();
  readonly #secrets = new Map<string, Secret>();

  constructor(options: LoginOptions) {
    const { environment = process.env, sshConfig } = options;
    this.#options = options;
    this.#environment = environment;
    this.#around = { home: homedir(), localUser: localUser(), environment };
    this.#config = loadSshConfig({
      home: this.#around.home,
      environment,
      ...(sshConfig === undefined ? {} : { file: sshConfig }),
    });
    for (const mistake of this.#config.mistakes) this.#note(mistake);
  }

  /** What ssh's configuration says that could not be followed, once for each line. */
  get notes(): string[] {
    return [...this.#mistakes.values()].map(({ file, line, message }) => `${file}:${line}: ${message}`);
  }

  /** Throws FLEET_INVALID, SSH_CONFIG_INVALID; FILE_NOT_FOUND and FILE_UNREADABLE for a password's file. */
  target(wish: Wish): HostTarget {
    if (isLocal(wish)) return this.#local(wish);
    const { options, user } = { options: this.#options, user: wish.user ?? this.#options.user };
    const defaults = this.#defaults(wish.address, user, wish.port);
    const bastions =
      wish.bastion === undefined
        ? this.#jumpsOf(defaults, wish)
        : this.#jumps(wish.bastion, 'FLEET_INVALID', wish, 0);
    const secret = this.#sudoPassword(wish);
    const hostKey = wish.hostKey ?? defaults.hostKey;
    const timeout = wish.connectTimeoutMs ?? defaults.connectTimeoutMs;
    const named =
      wish.port === undefined ? wish.address : formatAddress({ address: wish.address, port: wish.port });
    return hostTarget(
      {
        ...this.#login(defaults, wish),
        ...reach(defaults),
        name: wish.name ?? named,
        bastions,
        sudo: options.sudo ?? wish.sudo ?? true,
        ...(wish.knownHosts === undefined ? {} : { knownHosts: [wish.knownHosts] }),
        ...(hostKey ? { hostKey } : {}),
        ...(timeout === undefined ? {} : { connectTimeoutMs: timeout }),
        ...(secret ? { sudoPassword: secret } : {}),
      },
      this.#environment,
    );
  }

  #local(wish: Wish): HostTarget {
    const secret = this.#sudoPassword(wish);
    return hostTarget(
      {
        name: wish.name ?? LOCALHOST,
        address: LOCALHOST,
        local: true,
        agent: '',
        sudo: this.#options.sudo ?? wish.sudo ?? true,
        ...(secret ? { sudoPassword: secret } : {}),
      },
      this.#environment,
    );
  }

  #defaults(host: string, user: string | undefined, port: number | undefined): SshDefaults {
    const found = sshDefaults(this.#config, { host, user, port }, this.#around);
    for (const mistake of found.mistakes) this.#note(mistake);
    return found;
  }

  #note(mistake: Mistake): void {
    const key = `${mistake.file}:${mistake.line}`;
    if (!this.#mistakes.has(key)) this.#mistakes.set(key, mistake);
  }

  /** Keys, agent and passwords. */
  #login(defaults: SshDefaults, wish: Pick<Wish, 'identity' | 'agent'>): Partial<HostTarget> {
    const { identities = [], password, passphrase } = this.#options;
    const named = [...identities, ...(wish.identity === undefined ? [] : [wish.identity])];
    const agent = wish.agent === false ? '' : defaults.agent;
    return {
      identities: named.length > 0 ? named : (defaults.identities ?? []),
      ...(defaults.identitiesOnly === undefined ? {} : { identitiesOnly: defaults.identitiesOnly }),
      ...(agent === undefined ? {} : { agent }),
      ...(password ? { password } : {}),
      ...(passphrase ? { passphrase } : {}),
    };
  }

  /** The jumps that ssh's configuration wants; a ProxyCommand is refused, since going without it would be a guess. */
  #jumpsOf(defaults: SshDefaults, { name, address, identity }: Wish): HostTarget[] {
    const { proxyCommand, jumps } = defaults;
    if (proxyCommand) {
      throw new AirferryError(
        'SSH_CONFIG_INVALID',
        `${name ?? address} is to be reached by ProxyCommand, and airferry runs no commands of ssh's configuration`,
        {
          where: { file: proxyCommand.file, line: proxyCommand.line, host: name ?? address },
          suggestions: [
            'Write the way as ProxyJump there, or as `bastion:` in the fleet file; `bastion: []` goes straight.',
            "To leave ssh's configuration out: --ssh-config none.",
          ],
        },
      );
    }
    return jumps ? this.#jumps(jumps.value, 'SSH_CONFIG_INVALID', { identity }, 0) : [];
  }

  /** The first jump may itself be behind others, if ssh's configuration says so; the later ones are reached through it. */
  #jumps(
    texts: readonly string[],
    code: 'FLEET_INVALID' | 'SSH_CONFIG_INVALID',
    wish: Pick<Wish, 'user' | 'identity' | 'agent'>,
    depth: number,
  ): HostTarget[] {
    if (depth > MOST_JUMPS) {
      throw new AirferryError(
        'SSH_CONFIG_INVALID',
        `the jump hosts on the way to ${texts.join(', ')} never end`,
        {
          suggestions: ["Look for a ProxyJump in ssh's configuration that leads back to itself."],
        },
      );
    }
    return texts.flatMap((text, index) => {
      const jump = parseAddress(text, code);
      const port = namesPort(text) ? jump.port : undefined;
      const user = jump.user ?? (code === 'FLEET_INVALID' ? (wish.user ?? this.#options.user) : undefined);
      const defaults = this.#defaults(jump.address, user, port);
      const own =
        index > 0 || !defaults.jumps
          ? []
          : this.#jumps(defaults.jumps.value, 'SSH_CONFIG_INVALID', wish, depth + 1);
      const { name: _, ...place } = { name: text, ...reach(defaults) };
      const login = this.#login(defaults, code === 'SSH_CONFIG_INVALID' && defaults.identities ? {} : wish);
      return [...own, hostTarget({ ...login, ...place, sudo: false }, this.#environment)];
    });
  }

  #sudoPassword({ sudoPassword: source, file, name }: Wish): Secret | undefined {
    if (this.#options.sudoPassword) return this.#options.sudoPassword;
    if (!source || this.#options.withoutSecrets) return undefined;
    const key = source.env === undefined ? `file ${source.file}` : `env ${source.env}`;
    const known = this.#secrets.get(key) ?? new Secret(read(source, this.#environment, file, name));
    this.#secrets.set(key, known);
    return known;
  }
}

/** Whether a host is this machine itself. */
export function isLocal({
  name,
  address,
  connection,
}: Pick<Wish, 'name' | 'address' | 'connection'>): boolean {
  return (
    connection === 'local' ||
    (connection === undefined && (name ?? address) === LOCALHOST && address === LOCALHOST)
  );
}

function reach(defaults: SshDefaults): Pick<HostTarget, 'address'> & Partial<HostTarget> {
  const { mistakes: _, jumps: __, proxyCommand: ___, identities: ____, agent: _____, ...place } = defaults;
  return place;
}

function read(
  { env, file, at }: SecretSource,
  environment: NodeJS.ProcessEnv,
  fleet: string | undefined,
  host: string | undefined,
): string {
  const where = { ...(fleet === undefined ? {} : { file: fleet }), ...at };
  if (env !== undefined) {
    const value = environment[env];
    if (value) return value;
    throw new AirferryError(
      'FLEET_INVALID',
      `the sudo password of ${host} is to come from ${env}, which is not set`,
      {
        where,
        suggestions: [`Set ${env} in the environment, or have it asked for: --ask-sudo-password.`],
      },
    );
  }
  try {
    const text = readFileSync(file ?? '', 'utf8').split(/\r?\n/, 1)[0] ?? '';
    if (text !== '') return text;
  } catch (cause) {
    const missing = systemCode(cause) === 'ENOENT';
    throw new AirferryError(
      missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      `the file of the sudo password of ${host} ${missing ? 'does not exist' : `cannot be read: ${systemCode(cause)}`}`,
      {
        where: { file: file ?? '' },
        suggestions: ['Make it, or have it asked for: --ask-sudo-password.'],
        cause,
      },
    );
  }
  throw new AirferryError(
    'FLEET_INVALID',
    `${file}, for the sudo password of ${host}, begins with an empty line`,
    {
      where,
      suggestions: ['The password is to be its first line.'],
    },
  );
}
