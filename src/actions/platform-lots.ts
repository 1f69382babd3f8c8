/** Images by the platforms that are asked for of each: names that want the same ones make a lot. Pure. */
import { parsePlatform, platformMatches } from '../content/platform.ts';
import { formatReference, type Reference } from '../content/reference.ts';
import type { Chosen } from '../transports/selection.ts';
import { type Asked, type Choice, renamings } from './renaming.ts';

/** The platforms that anybody asks for; undefined where somebody asks for all that there are. */
export function widest(
  platforms: readonly string[] | undefined,
  wanted: readonly Asked[] | undefined,
): string[] | undefined {
  if (platforms) return [...platforms];
  const each = (wanted ?? []).map(asked => asked.platforms);
  if (each.length === 0 || !each.every(one => one !== undefined)) return undefined;
  return [...new Set(each.flat())];
}

/**
 * The names of `found` in lots, at least one. `platforms` stand in place of those that images are asked for with. A name
 * at the target that is asked for twice gets the platforms of both. Throws RULE_INVALID, PLATFORM_INVALID.
 */
export function lotsByPlatform(
  found: readonly Reference[],
  choice: Choice,
  platforms?: readonly string[],
): [Chosen, ...Chosen[]] {
  const to = (from: Reference[]): Reference[] => [
    ...new Map(
      from.flatMap(name => renamings(name, choice)).map(({ to }) => [formatReference(to), to]),
    ).values(),
  ];
  if (platforms || !choice.wanted?.some(asked => asked.platforms)) return [{ names: to, ...only(platforms) }];
  const byName = platformsByName(found, choice);
  const [first, ...more] = [...new Map([...byName.values()].map(one => [keyOf(one), one])).values()];
  const keyAt = (name: Reference): string => {
    const key = formatReference(name);
    return keyOf(byName.has(key) ? byName.get(key) : first);
  };
  const lot = (one: string[] | undefined): Chosen => ({
    names: from => to(from).filter(name => keyAt(name) === keyOf(one)),
    ...only(one),
  });
  return [lot(first), ...more.map(lot)];
}

/** The platforms that are asked for under each name at the target; undefined for all. */
function platformsByName(
  found: readonly Reference[],
  { naming, wanted = [] }: Choice,
): Map<string, string[] | undefined> {
  const byName = new Map<string, string[] | undefined>();
  for (const asked of wanted) {
    for (const { to } of found.flatMap(from => renamings(from, { naming, wanted: [asked] }))) {
      const key = formatReference(to);
      const before = byName.has(key) ? byName.get(key) : [];
      byName.set(key, before && asked.platforms && [...new Set([...before, ...asked.platforms])].sort());
    }
  }
  return byName;
}

function keyOf(platforms: readonly string[] | undefined): string {
  return platforms?.join(' ') ?? '';
}

function only(platforms: readonly string[] | undefined): Pick<Chosen, 'platform'> {
  const chosen = platforms?.map(parsePlatform);
  return chosen ? { platform: ({ platform }) => chosen.some(one => platformMatches(one, platform)) } : {};
}
