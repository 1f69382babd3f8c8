/**
 * `--change` of an import: Dockerfile instructions that say how containers of the image run. The instructions that
 * `docker import` takes, in all their forms. Dockerfile reference, docs.docker.com. Pure.
 */
import { posix } from 'node:path';
import { AirferryError } from '../errors.ts';
import { closest } from '../support/suggest.ts';
import { expandWord, splitWords } from './shell-words.ts';

/** The `config` of an image config. OCI image-spec, config.md; `OnBuild` is Docker's own. */
export interface RunConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  OnBuild?: string[];
}

/** Read instructions in their order; later ones see what earlier ones set. Throws USAGE with what was probably meant. */
export function parseChanges(instructions: readonly string[]): RunConfig {
  const changes = new Changes();
  for (const text of instructions) changes.apply(text);
  return changes.config;
}

/** Instructions of a Dockerfile that need a build. */
const BUILD_ONLY = ['FROM', 'RUN', 'COPY', 'ADD', 'ARG', 'SHELL', 'HEALTHCHECK', 'MAINTAINER'];
const SHELL = ['/bin/sh', '-c'];
const SIGNAL = /^(?:\d{1,3}|SIG[A-Z0-9+-]+|[A-Z][A-Z0-9+-]*)$/;

class Changes {
  readonly config: RunConfig = {};
  readonly #variables = new Map<string, string>();
  #text = '';

  readonly #handlers: Readonly<Record<string, (rest: string) => void>> = {
    CMD: rest => {
      this.config.Cmd = this.#command(rest);
    },
    ENTRYPOINT: rest => {
      this.config.Entrypoint = this.#command(rest);
    },
    ENV: rest => this.#env(rest),
    EXPOSE: rest => this.#expose(rest),
    LABEL: rest => {
      this.config.Labels = { ...this.config.Labels, ...Object.fromEntries(this.#pairs(rest)) };
    },
    ONBUILD: rest => this.#onBuild(rest),
    STOPSIGNAL: rest => this.#stopSignal(rest),
    USER: rest => {
      this.config.User = this.#one(rest);
    },
    VOLUME: rest => this.#volume(rest),
    WORKDIR: rest => {
      this.config.WorkingDir = posix.resolve('/', this.config.WorkingDir ?? '/', this.#one(rest));
    },
  };

  apply(text: string): void {
    this.#text = text;
    const [, word = '', rest = ''] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(text) ?? [];
    const name = word.toUpperCase();
    const handler = Object.hasOwn(this.#handlers, name) ? this.#handlers[name] : undefined;
    if (!handler) throw this.#unknown(name);
    if (rest === '') throw this.#invalid(`${name} needs something after it`);
    handler(rest);
  }

  /** `["nginx", "-g"]` as it is, anything else through a shell. */
  #command(rest: string): string[] {
    return this.#json(rest) ?? [...SHELL, rest];
  }

  #env(rest: string): void {
    for (const [name, value] of this.#pairs(rest)) {
      this.#variables.set(name, value);
      const others = (this.config.Env ?? []).filter(text => !text.startsWith(`${name}=`));
      this.config.Env = [...others, `${name}=${value}`];
    }
  }

  #expose(rest: string): void {
    for (const port of this.#words(rest)) {
      const [, first, last, protocol = 'tcp'] =
        /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(port) ?? [];
      const [from, to] = [Number(first), Number(last ?? first)];
      if (!(from >= 1 && to <= 65535 && from <= to))
        throw this.#invalid(`"${port}" is no port`, ['Write EXPOSE 80, EXPOSE 53/udp or EXPOSE 8000-8010.']);
      for (let n = from; n <= to; n++)
        this.config.ExposedPorts = { ...this.config.ExposedPorts, [`${n}/${protocol}`]: {} };
    }
  }

  #onBuild(rest: string): void {
    const trigger = /^\S+/.exec(rest)?.[0].toUpperCase() ?? '';
    if (['ONBUILD', 'FROM', 'MAINTAINER'].includes(trigger))
      throw this.#invalid(`${trigger} cannot be a trigger of ONBUILD`);
    this.config.OnBuild = [...(this.config.OnBuild ?? []), rest];
  }

  #stopSignal(rest: string): void {
    const signal = this.#one(rest);
    if (!SIGNAL.test(signal)) throw this.#invalid(`"${signal}" is no signal`, ['Write STOPSIGNAL SIGTERM.']);
    this.config.StopSignal = signal;
  }

  #volume(rest: string): void {
    for (const path of this.#json(rest) ?? this.#words(rest)) {
      if (path.trim() === '') throw this.#invalid('a volume without a path');
      this.config.Volumes = { ...this.config.Volumes, [path]: {} };
    }
  }

  /** `NAME=value` any number of times, or the older `NAME value` once. */
  #pairs(rest: string): [string, string][] {
    const words = this.#split(rest);
    if (!words[0]?.includes('=')) {
      const [, name = '', value] = /^(\S+)\s+([\s\S]+)$/.exec(rest) ?? [];
      if (value === undefined) throw this.#invalid(`"${rest}" has no value`, ['Write NAME=value.']);
      return [[this.#expand(name), this.#expand(value)]];
    }
    return words.map(word => {
      const at = word.indexOf('=');
      if (at < 1)
        throw this.#invalid(`"${word}" is no NAME=value`, ['Put a value with blanks into double quotes.']);
      return [this.#expand(word.slice(0, at)), this.#expand(word.slice(at + 1))];
    });
  }

  #one(rest: string): string {
    const [word, ...others] = this.#words(rest);
    if (word === undefined || word === '' || others.length > 0)
      throw this.#invalid('it takes just one word', ['Put a word with blanks into double quotes.']);
    return word;
  }

  #words(rest: string): string[] {
    return this.#split(rest).map(word => this.#expand(word));
  }

  #split(rest: string): string[] {
    const words = splitWords(rest);
    if (!words) throw this.#invalid('a quote is not closed');
    return words;
  }

  #expand(word: string): string {
    return expandWord(word, this.#variables);
  }

  /** A JSON list of strings; undefined for text that is none. */
  #json(rest: string): string[] | undefined {
    if (!rest.startsWith('[')) return undefined;
    try {
      const list: unknown = JSON.parse(rest);
      if (Array.isArray(list) && list.every(item => typeof item === 'string')) return list;
    } catch {
      // `[ -f /x ] && y` is a command of the shell.
    }
    if (/^\[\s*(?:'|\])/.test(rest) || /^\[\s*".*\]$/s.test(rest))
      throw this.#invalid(`${rest} is no JSON list`, ['Write double quotes and commas: ["nginx", "-g"].']);
    return undefined;
  }

  #unknown(name: string): AirferryError {
    if (BUILD_ONLY.includes(name))
      return this.#invalid(`${name} is for builds, not for an import`, [
        `An import takes ${Object.keys(this.#handlers).join(', ')}.`,
      ]);
    const near = closest(name, Object.keys(this.#handlers));
    return this.#invalid(name === '' ? 'it is empty' : `there is no instruction ${name}`, [
      ...(near ? [`Did you mean ${near}?`] : []),
      `An import takes ${Object.keys(this.#handlers).join(', ')}.`,
    ]);
  }

  #invalid(why: string, suggestions: string[] = []): AirferryError {
    const shown = this.#text.length > 120 ? `${this.#text.slice(0, 117)}...` : this.#text;
    return new AirferryError('USAGE', `"${shown}" is no change of an image: ${why}`, { suggestions });
  }
}
