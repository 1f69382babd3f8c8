/** Reading ssh_config(5): the user's file before the system's, Include followed, within bounds. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AirferryError, systemCode } from '../../errors.ts';
import { matchesGlob } from '../../support/glob.ts';
import { type Directive, type Mistake, parseSshConfig } from './parse.ts';
import { expandPath } from './tokens.ts';

export interface SshConfig {
  /** Of each file that was asked for. */
  readonly files: readonly (readonly Directive[])[];
  readonly mistakes: readonly Mistake[];
}

export interface LoadOptions {
  /** As `-F`: this file alone, which has to exist. `none`: no file at all. */
  file?: string;
  home: string;
  environment: NodeJS.ProcessEnv;
  /** Default /etc/ssh/ssh_config. */
  system?: string;
}

export const SYSTEM_CONFIG = '/etc/ssh/ssh_config';
/** Bytes of a file. */
const MAX_BYTES = 1024 * 1024;
/** Files in all, and Includes within Includes; OpenSSH has 16 of the latter. */
const MAX_FILES = 512;
const MAX_DEPTH = 16;

/**
 * The directives of the files that `ssh` reads; one that does not exist says nothing.
 * @throws {AirferryError} FILE_NOT_FOUND for a named file, FILE_UNREADABLE
 */
export function loadSshConfig(options: LoadOptions): SshConfig {
  const { file, home, environment, system = SYSTEM_CONFIG } = options;
  if (file === 'none') return { files: [], mistakes: [] };
  const reader = new Reader(home, environment);
  if (file !== undefined) {
    const path = file.startsWith('~/') ? join(home, file.slice(2)) : resolve(file);
    if (!existsSync(path)) throw missing(file);
    return { files: [reader.read(path, join(home, '.ssh'), 0)], mistakes: reader.mistakes };
  }
  const files = [
    reader.read(join(home, '.ssh/config'), join(home, '.ssh'), 0),
    reader.read(system, join(system, '..'), 0),
  ];
  return { files, mistakes: reader.mistakes };
}

class Reader {
  readonly mistakes: Mistake[] = [];
  readonly #home: string;
  readonly #environment: NodeJS.ProcessEnv;
  #files = 0;

  constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.#home = home;
    this.#environment = environment;
  }

  /** `folder`: what relative Includes are relative to. */
  read(path: string, folder: string, depth: number): Directive[] {
    const text = this.#text(path);
    if (text === undefined) return [];
    const { directives, mistakes } = parseSshConfig(text, path);
    this.mistakes.push(...mistakes);
    return directives.map(directive =>
      directive.keyword === 'include' ? this.#include(directive, folder, depth + 1) : directive,
    );
  }

  #include(directive: Directive, folder: string, depth: number): Directive {
    const { file, line } = directive;
    if (depth > MAX_DEPTH) {
      this.mistakes.push({ file, line, message: 'Include within Include, too deep' });
      return { ...directive, included: [] };
    }
    const around = { tokens: {}, home: this.#home, environment: this.#environment };
    const paths = directive.args.flatMap(arg => {
      const path = expandPath(arg, around);
      if (path !== undefined) return expandGlob(resolve(folder, path));
      this.mistakes.push({ file, line, message: `Include ${arg} has a variable that is not known` });
      return [];
    });
    const included: Directive[][] = [];
    for (const path of paths) {
      if (++this.#files > MAX_FILES) {
        this.mistakes.push({ file, line, message: `more than ${MAX_FILES} files are included` });
        break;
      }
      included.push(this.read(path, folder, depth));
    }
    return { ...directive, included };
  }

  #text(path: string): string | undefined {
    try {
      const { size } = statSync(path);
      if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, too many for an SSH configuration`);
      return readFileSync(path, 'utf8');
    } catch (cause) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return undefined;
      throw new AirferryError(
        'FILE_UNREADABLE',
        `the SSH configuration cannot be read: ${systemCode(cause) ?? (cause as Error).message}`,
        {
          where: { file: path },
          suggestions: ['Mend its permissions, or go without: --ssh-config none.'],
          cause,
        },
      );
    }
  }
}

/** The files that a path with `*` and `?` names, in the order of their names; itself where it has neither. */
function expandGlob(pattern: string): string[] {
  let found = ['/'];
  for (const part of pattern.split('/').filter(piece => piece !== '')) {
    found = /[*?]/.test(part)
      ? found.flatMap(folder => matching(folder, part))
      : found.map(folder => join(folder, part));
    if (found.length > MAX_FILES) found = found.slice(0, MAX_FILES + 1);
  }
  return /[*?]/.test(pattern) ? found.filter(path => existsSync(path)) : found;
}

function matching(folder: string, pattern: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.startsWith('.') === pattern.startsWith('.') && matchesGlob(pattern, name))
      .sort()
      .map(name => join(folder, name));
  } catch {
    return [];
  }
}

function missing(file: string): AirferryError {
  return new AirferryError('FILE_NOT_FOUND', `${file} does not exist`, {
    where: { file },
    suggestions: ['Name another file with --ssh-config FILE, or go without: --ssh-config none.'],
  });
}
