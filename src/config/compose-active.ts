/** Which services of a compose project run: those without profiles, those of active ones, and what they depend on. */
import { closest } from '../support/suggest.ts';
import type { Services } from './compose-file.ts';
import type { Lookup } from './interpolate.ts';
import { printable } from './problem.ts';

/** The profiles that are asked for; those of COMPOSE_PROFILES, separated by commas, where none are. */
export function activeProfiles(asked: readonly string[] | undefined, lookup: Lookup): string[] {
  if (asked !== undefined) return [...asked];
  const named = (lookup('COMPOSE_PROFILES') ?? '').split(',').map(name => name.trim());
  return named.filter(name => name !== '');
}

/**
 * The services that are active under the profiles (`*` is all of them), and those that they cannot do without, in the
 * project's order. Docker compose refuses a project whose active service needs an inactive one; to carry one image too
 * many does no harm, so such a service is taken along, and said.
 */
export function activeServices(
  services: Services,
  profiles: readonly string[],
): { active: Services; warnings: string[] } {
  const wanted = new Set(profiles);
  const warnings: string[] = [];
  const queue: string[] = [];
  const known = new Set<string>();
  for (const [name, part] of services) {
    const own = part.profiles.items.map(({ text }) => text);
    for (const profile of own) known.add(profile);
    if (own.length === 0 || wanted.has('*') || own.some(profile => wanted.has(profile))) queue.push(name);
  }
  for (const profile of wanted) {
    if (profile === '*' || known.has(profile)) continue;
    const near = closest(profile, known);
    warnings.push(
      `No service has the profile ${printable(profile)}.${near === undefined ? '' : ` Did you mean ${printable(near)}?`}`,
    );
  }
  const active = new Set(queue);
  for (const name of active) {
    for (const { name: needed, required } of services.get(name)?.dependsOn.items ?? []) {
      if (!required || active.has(needed) || !services.has(needed)) continue;
      active.add(needed);
      warnings.push(
        `The service ${printable(needed)} is in no active profile, but ${printable(name)} depends on it: its image is taken along.`,
      );
    }
  }
  return { active: new Map([...services].filter(([name]) => active.has(name))), warnings };
}
