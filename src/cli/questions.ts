/** What hosts ask the operator during the login: one question at a time, whichever host it is of. */
import type { Ask } from '../host/ask.ts';
import { answer, canAsk } from './prompts.ts';
import { clean } from './text.ts';

/** Undefined where nobody can be asked. `onFirst` makes room on the terminal, before the first question. */
export function questions(flags: { yes: boolean }, onFirst: () => Promise<void>): Ask | undefined {
  if (!canAsk(flags)) return undefined;
  let ready: Promise<void> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return ({ host, text, secret }) => {
    ready ??= onFirst();
    const asked = Promise.all([ready, last]).then(() => answer(`${host}: ${clean(text)}`, { secret }));
    last = asked.catch(() => undefined);
    return asked;
  };
}
