/**
 * What ssh_config(5) says of one host: the first value of each keyword wins, IdentityFile adds up. Pure; tokens are
 * expanded in `tokens.ts`.
 */
import { matchesHostLine, matchesMatchLine, type Subject } from './match.ts';
import type { Directive, Mistake } from './parse.ts';
import { expandTokens } from './tokens.ts';

/** A value with the line that it comes from. */
export interface Said<T> {
  readonly value: T;
  readonly file: string;
  readonly line: number;
}

/** The settings that airferry follows, as they are written; undefined where nothing is said. */
export interface SshSettings {
  hostName?: Said<string>;
  user?: Said<string>;
  port?: Said<number>;
  /** `none` among them takes away those after it, and OpenSSH's default ones. */
  identityFiles: Said<string>[];
  identitiesOnly?: Said<boolean>;
  /** `none`, `SSH_AUTH_SOCK`, a path, or `$NAME`. */
  identityAgent?: Said<string>;
  /** `none`, or hosts with commas between. */
  proxyJump?: Said<string>;
  /** A command, which airferry does not run. `none` is no value. */
  proxyCommand?: Said<string>;
  userKnownHosts?: Said<readonly string[]>;
  globalKnownHosts?: Said<readonly string[]>;
  /** `no` and `off` are `accept-new` here: a changed key is never accepted. */
  hostKey?: Said<'strict' | 'accept-new'>;
  hostKeyAlias?: Said<string>;
  /** Seconds; 0 for none. */
  connectTimeout?: Said<number>;
  /** Seconds; 0 for none. */
  aliveInterval?: Said<number>;
  aliveCountMax?: Said<number>;
}

export interface Resolved {
  settings: SshSettings;
  /** What could not be followed, each once. */
  mistakes: Mistake[];
}

type Single = Exclude<keyof SshSettings, 'identityFiles'>;

/** Identity files of one host, as OpenSSH has it. */
const MOST_IDENTITIES = 100;

/**
 * The settings for a host.
 * @param files the directives of the files, the user's before the system's
 * @param subject `user`: the one that is known already, if any; it wins over the files.
 */
export function resolveSshConfig(
  files: readonly (readonly Directive[])[],
  { host, user, localUser }: { host: string; user?: string | undefined; localUser: string },
): Resolved {
  const walk = new Walk({ original: host, host, user: user ?? localUser, localUser }, user !== undefined);
  for (const directives of files) walk.read(directives, true);
  return { settings: walk.settings, mistakes: walk.mistakes };
}

class Walk {
  readonly settings: SshSettings = { identityFiles: [] };
  readonly mistakes: Mistake[] = [];
  readonly #subject: Subject;
  readonly #userKnown: boolean;
  readonly #told = new Set<string>();

  constructor(subject: Subject, userKnown: boolean) {
    this.#subject = subject;
    this.#userKnown = userKnown;
  }

  /** What is said before the first block holds as `outer` does, which is the block that an Include stands in. */
  read(directives: readonly Directive[], outer: boolean): void {
    let active = outer;
    for (const directive of directives) {
      const { keyword, args, included } = directive;
      if (keyword === 'host') active = outer && matchesHostLine(args, this.#subject.original);
      else if (keyword === 'match')
        active = outer && matchesMatchLine(directive, this.#subject, mistake => this.#tell(mistake));
      else if (included) for (const file of included) this.read(file, active);
      else if (active) this.#take(directive);
    }
  }

  #take(directive: Directive): void {
    const { keyword, args } = directive;
    const [first = ''] = args;
    switch (keyword) {
      case 'hostname':
        if (this.#set('hostName', first, directive)) this.#subject.host = this.#expanded(first);
        return;
      case 'user':
        if (this.#set('user', first, directive) && !this.#userKnown) this.#subject.user = first;
        return;
      case 'port':
        this.#number('port', directive, 1, 65_535);
        return;
      case 'identityfile':
        if (this.settings.identityFiles.length < MOST_IDENTITIES)
          this.settings.identityFiles.push(said(first, directive));
        return;
      case 'identitiesonly':
        this.#yesOrNo('identitiesOnly', directive);
        return;
      case 'identityagent':
        this.#set('identityAgent', first, directive);
        return;
      case 'proxyjump':
        // Of ProxyJump and ProxyCommand the first one wins, whichever it is.
        if (!this.settings.proxyCommand) this.#set('proxyJump', first, directive);
        return;
      case 'proxycommand':
        if (!this.settings.proxyJump) this.#set('proxyCommand', args.join(' '), directive);
        return;
      case 'userknownhostsfile':
        this.#set('userKnownHosts', args, directive);
        return;
      case 'globalknownhostsfile':
        this.#set('globalKnownHosts', args, directive);
        return;
      case 'stricthostkeychecking':
        this.#hostKey(directive);
        return;
      case 'hostkeyalias':
        this.#set('hostKeyAlias', first, directive);
        return;
      case 'connecttimeout':
        this.#seconds('connectTimeout', directive);
        return;
      case 'serveraliveinterval':
        this.#seconds('aliveInterval', directive);
        return;
      case 'serveralivecountmax':
        this.#number('aliveCountMax', directive, 0, 1_000_000);
        return;
    }
  }

  #expanded(hostName: string): string {
    return expandTokens(hostName, { h: this.#subject.original }) ?? hostName;
  }

  /** False where an earlier line has said it. */
  #set<K extends Single>(key: K, value: NonNullable<SshSettings[K]>['value'], directive: Directive): boolean {
    if (this.settings[key] !== undefined) return false;
    (this.settings as Record<Single, unknown>)[key] = said(value, directive);
    return true;
  }

  #number(key: 'port' | 'aliveCountMax', directive: Directive, least: number, most: number): void {
    const text = directive.args[0] ?? '';
    const number = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) this.#set(key, number, directive);
    else
      this.#tell({ ...directive, message: `${directive.keyword} must be a number from ${least} to ${most}` });
  }

  #seconds(key: 'connectTimeout' | 'aliveInterval', directive: Directive): void {
    const text = directive.args[0] ?? '';
    const seconds = text === 'none' ? 0 : timeOf(text);
    if (seconds !== undefined) this.#set(key, seconds, directive);
    else this.#tell({ ...directive, message: `${directive.keyword} must be a time, e.g. 15 or 2m` });
  }

  #yesOrNo(key: 'identitiesOnly', directive: Directive): void {
    const word = directive.args[0]?.toLowerCase() ?? '';
    if (!/^(?:yes|true|no|false)$/.test(word))
      this.#tell({ ...directive, message: `${directive.keyword} must be yes or no` });
    else this.#set(key, word === 'yes' || word === 'true', directive);
  }

  #hostKey(directive: Directive): void {
    const word = directive.args[0]?.toLowerCase() ?? '';
    if (/^(?:yes|true|ask)$/.test(word)) this.#set('hostKey', 'strict', directive);
    else if (/^(?:no|false|off|accept-new)$/.test(word)) this.#set('hostKey', 'accept-new', directive);
    else this.#tell({ ...directive, message: 'StrictHostKeyChecking must be yes, ask, accept-new or no' });
  }

  #tell({ file, line, message }: Mistake): void {
    const key = `${file}:${line}`;
    if (!this.#told.has(key)) this.mistakes.push({ file, line, message });
    this.#told.add(key);
  }
}

function said<T>(value: T, { file, line }: Directive): Said<T> {
  return { value, file, line };
}

/** `90`, `90s`, `1m30s`, `2h` in seconds, as in sshd_config(5), TIME FORMATS. */
function timeOf(text: string): number | undefined {
  if (text.length > 40 || !/^(?:\d{1,9}[smhdw]?)+$/i.test(text)) return undefined;
  const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d{1,9})([smhdw]?)/gi))
    total += Number(number) * (units[(unit ?? '').toLowerCase()] ?? 1);
  return total <= 2_147_483 ? total : undefined;
}
