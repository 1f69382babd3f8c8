/** What a copy that failed has left undone: some of its images may stand at the target, and have to be told from the rest. */
import { familiarName, type Reference } from '../content/reference.ts';
import { isAirferryError } from '../errors.ts';
import type { Plan } from './planned.ts';

/** Names in one line. */
const SHOWN = 8;

/** Run a copy that tells each name which it has stored. What it throws then says which names of its plan do not stand yet. */
export async function tellingMissing<T>(
  planned: () => Plan,
  run: (onNamed: (name: Reference) => void) => Promise<T>,
): Promise<T> {
  const named = new Set<Reference>();
  try {
    return await run(name => named.add(name));
  } catch (error) {
    const told = missingNames(planned(), named);
    if (isAirferryError(error) && told) error.suggestions.push(told);
    throw error;
  }
}

/** Undefined where there is one name alone, of which the error itself says it. */
function missingNames({ images, indexes }: Plan, named: ReadonlySet<Reference>): string | undefined {
  const all = [...images, ...indexes].flatMap(({ to }) => to);
  if (all.length < 2) return undefined;
  const missing = all.filter(name => !named.has(name)).map(familiarName);
  const more = missing.length > SHOWN ? ` … and ${missing.length - SHOWN} more` : '';
  const stand = all.length - missing.length;
  return `${stand} of ${all.length} names were stored before that; not yet: ${missing.slice(0, SHOWN).join(', ')}${more}.`;
}
