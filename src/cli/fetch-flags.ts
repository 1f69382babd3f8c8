/** Flags of commands that fetch what a recipe names. */
import * as Flags from '@oclif/core/flags';
import type { FetchOptions } from '../bundle/fetch/fetching.ts';
import { mirrorOf } from '../bundle/fetch/mirroring.ts';
import { AirferryError } from '../errors.ts';

export const cacheFlag = {
  cache: Flags.string({
    summary: 'The folder of the cache. [default: airferry in $XDG_CACHE_HOME or ~/.cache]',
    helpValue: 'DIR',
    helpGroup: 'FETCHING',
  }),
};

export const fetchFlags = {
  ...cacheFlag,
  'no-cache': Flags.boolean({
    summary: 'Keep nothing for the next run.',
    helpGroup: 'FETCHING',
    exclusive: ['cache'],
  }),
  mirror: Flags.string({
    summary:
      'Fetch addresses that begin with FROM from TO instead, as https://github.com/=https://mirror.company.com/github/. May be repeated.',
    helpValue: 'FROM=TO',
    helpGroup: 'FETCHING',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

export const recipeFlags = {
  file: Flags.string({ char: 'f', summary: 'The recipe.', helpValue: 'FILE', default: 'bundle.yaml' }),
  set: Flags.string({
    summary: 'The value of a variable in the recipe. May be repeated.',
    helpValue: 'NAME=VALUE',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

/** What the flags say. Throws USAGE for a mirror that is none. */
export function fetchOptions(flags: {
  cache?: string | undefined;
  'no-cache'?: boolean;
  mirror?: string[] | undefined;
}): FetchOptions {
  const { cache, 'no-cache': none, mirror = [] } = flags;
  return {
    ...(none ? { cache: false as const } : cache === undefined ? {} : { cache }),
    mirrors: mirror.map(text => mirrorOf(text)),
  };
}

/** `--set NAME=VALUE` as a map. Throws USAGE. */
export function variables(set: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    set.map(text => {
      const equals = text.indexOf('=');
      const name = text.slice(0, equals);
      if (equals > 0 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return [name, text.slice(equals + 1)];
      throw new AirferryError('USAGE', `--set ${text} sets no variable`, {
        suggestions: ['Write --set NAME=VALUE, with letters, digits and _ in the name.'],
      });
    }),
  );
}
