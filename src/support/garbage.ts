/**
 * Memory that stays flat. V8 lets dead buffers pile up to 64 MB and more before it looks at them, since it sees only
 * their small handles; with chunks of 1 MiB that is most of what a process needs. Whoever hands out many buffers tells
 * so here, and they are taken away sooner. Fresh memory costs more than the collecting: reading gains speed by it.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of buffers between two collections. */
const PILE = 16 * 1024 * 1024;

type Collect = (options: { type: 'minor' }) => void;

let collect: Collect | undefined;
let pile = 0;

/** Tell of buffers that were handed out and are dropped soon; collecting the young ones alone is cheap. Bytes. */
export function litter(bytes: number): void {
  pile += bytes;
  if (pile < PILE) return;
  pile = 0;
  collect ??= exposed();
  collect({ type: 'minor' });
}

/** V8's own: a context that is made after the flag was set has it. Making one takes milliseconds, and most commands litter little. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
