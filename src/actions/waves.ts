/** In which order, and how far, an action goes through many hosts: a canary first, then batches, until too many failed. */
import { AirferryError } from '../errors.ts';
import { plural } from '../support/format.ts';
import { type Place, Places } from '../support/places.ts';

/** A number of hosts, or a part of all of them. */
export type Share = { count: number } | { percent: number };

export interface Waves {
  /** So many hosts go first, and unless all of them succeed no other is begun. */
  canary?: number;
  /** Hosts that go together; the next ones wait until all of these have ended. Default all at once. */
  batch?: Share;
  /** When more than this have failed, no further host is begun. Default: the others always go on. */
  maxFailures?: Share;
}

export interface WaveWork<T, R> {
  waves: Waves;
  /** At work at once, within a wave. */
  parallel: number;
  signal?: AbortSignal;
  work: (item: T, place: Place) => Promise<R>;
  failed: (result: R) => boolean;
  /** What becomes of an item that is not begun, and why. */
  skip: (item: T, reason: string) => R;
}

/**
 * `5` or `25%`.
 * @throws {AirferryError} USAGE naming `flag`
 */
export function parseShare(text: string, flag: string): Share {
  const [, digits, percent] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  const value = Number(digits);
  if (digits !== undefined && !percent) return { count: value };
  if (digits !== undefined && value <= 100) return { percent: value };
  throw new AirferryError('USAGE', `${flag} takes a number of hosts or a part of them, not "${text}"`, {
    suggestions: [`Write it as ${flag} 5 or ${flag} 25%.`],
  });
}

/** Hosts that a share of `total` stands for; rounded down. */
export function hostsIn(share: Share, total: number): number {
  return 'count' in share ? share.count : Math.floor((share.percent * total) / 100);
}

/** The items in waves, in their order. A batch has one host at least. */
export function wavesOf<T>(items: readonly T[], { canary = 0, batch }: Waves): T[][] {
  const size = batch ? Math.max(1, hostsIn(batch, items.length)) : Math.max(1, items.length);
  const waves = canary > 0 && items.length > 0 ? [items.slice(0, canary)] : [];
  for (let at = canary; at < items.length; at += size) waves.push(items.slice(at, at + size));
  return waves;
}

/** Do the work wave by wave. Results come in the order of the items. */
export async function inWaves<T, R>(items: readonly T[], options: WaveWork<T, R>): Promise<R[]> {
  const { waves, parallel, signal, work, failed, skip } = options;
  const most = waves.maxFailures ? hostsIn(waves.maxFailures, items.length) : Number.POSITIVE_INFINITY;
  const results: R[] = [];
  let failures = 0;
  let stop: string | undefined;
  for (const [index, wave] of wavesOf(items, waves).entries()) {
    const before = failures;
    const places = new Places(parallel);
    const one = async (item: T, place: Place): Promise<R> => {
      if (stop !== undefined) return skip(item, stop);
      const result = await work(item, place);
      if (!failed(result) || signal?.aborted) return result;
      if (++failures > most) {
        const allowed = most === 0 ? 'none may' : `no more than ${most} may`;
        stop ??= `${plural(failures, 'host')} failed, and ${allowed}`;
      }
      return result;
    };
    const done = await Promise.all(wave.map(item => places.run(place => one(item, place))));
    results.push(...done);
    if (index === 0 && (waves.canary ?? 0) > 0 && failures > before)
      stop ??= `the canary failed: ${failures} of ${plural(wave.length, 'host')}`;
  }
  return results;
}
