/** Errors at the line of the recipe that asked for what failed. */
import type { Position } from '../config/problem.ts';
import { AirferryError, isAirferryError, type Where } from '../errors.ts';

/** A full disk or an interruption is not the item's fault; mistakes in other files are told where they are. */
const ELSEWHERE = [
  'DISK_FULL',
  'FILE_UNWRITABLE',
  'INTERRUPTED',
  'INTERNAL',
  'LOCK_INCOMPLETE',
  'COMPOSE_FILE_INVALID',
  'ENV_FILE_INVALID',
  'KUBERNETES_INVALID',
  'IMAGE_LIST_INVALID',
] as const;

/** Run work on an item of a recipe, so that its errors point at the line that asked for it. */
export async function inRecipe<T>(
  recipe: { file: string },
  at: Position,
  work: () => Promise<T> | T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AirferryError)) throw error;
    if (isAirferryError(error, ...ELSEWHERE)) throw error;
    const { code, message, suggestions, cause, where } = error;
    throw new AirferryError(code, message, {
      suggestions,
      cause,
      where: { ...(where as Where), file: recipe.file, ...at },
    });
  }
}
