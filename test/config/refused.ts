/** What a refused file says, in one line for each part: for the tests of the configuration. */

import { parseFleet } from '../../src/config/fleet.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { AirferryError } from '../../src/errors.ts';

export interface Refusal {
  code: string;
  /** `file:line:column` */
  where: string;
  message: string;
  /** All suggestions in one text. */
  hint: string;
}

/** The error that `work` throws. Anything else than an AirferryError is thrown on, and nothing at all is an error. */
export async function refusal(work: () => unknown): Promise<Refusal> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof AirferryError)) throw error;
    const { file, line, column } = error.where;
    return {
      code: error.code,
      where: `${file}:${line}:${column}`,
      message: error.message,
      hint: error.suggestions.join(' '),
    };
  }
  throw new Error('nothing was refused');
}

/** What is said of a recipe. With `head`, name and version come first, as lines 1 and 2. */
export function refusedRecipe(text: string, head = false): Promise<Refusal> {
  return refusal(() =>
    parseRecipe(`${head ? 'name: a\nversion: "1"\n' : ''}${text}`, { file: 'bundle.yaml' }),
  );
}

/** What is said of a fleet. */
export function refusedFleet(text: string): Promise<Refusal> {
  return refusal(() => parseFleet(text, { file: 'fleet.yaml', home: '/home/ops' }));
}
