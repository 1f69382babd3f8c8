/**
 * A recipe and those that it extends, as one document. Maps are merged key by key, as in daemon.json; lists replace, but
 * for `images` and `files`, to which a recipe adds; null takes away what the base has.
 */
import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isAirferryError } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { parseYaml, type YamlDocument } from './document.ts';
import { overlay } from './overlay.ts';
import { type Position, problemsError } from './problem.ts';
import { readText } from './read.ts';

const CODE = 'RECIPE_INVALID';
/** Recipes above one another. */
const DEEPEST = 10;
const MOST_FILES = 50;

/** Read a recipe with everything below it. Throws FILE_NOT_FOUND, FILE_UNREADABLE and RECIPE_INVALID with the place. */
export async function readLayers(file: string): Promise<YamlDocument> {
  const text = await readText(
    { file, code: CODE },
    'The folder bundles of airferry has recipes to begin with.',
  );
  return new Layers().follow(parseYaml(text, { file, code: CODE }), []);
}

class Layers {
  #files = 0;

  /** A document laid over its bases, the first of them undermost. `above` are the recipes that led here. */
  async follow(document: YamlDocument, above: readonly string[]): Promise<YamlDocument> {
    if (!isObject(document.value) || document.value.extends === undefined) return document;
    const chain = [...above, await realpath(document.file)];
    let base: YamlDocument | undefined;
    for (const { path, at } of basesOf(document)) {
      const refuse = (message: string, ...suggestions: string[]): Error =>
        problemsError([{ message, at, suggestions }], document);
      const file = resolve(dirname(document.file), path);
      const real = await realpath(file).catch(() => file);
      if (chain.includes(real)) {
        const circle = [...chain.slice(chain.indexOf(real)), real];
        throw refuse(`\`extends\` goes in a circle: ${circle.join(' → ')}`);
      }
      if (chain.length > DEEPEST) throw refuse(`more than ${DEEPEST} recipes extend one another`);
      if (++this.#files > MOST_FILES) throw refuse(`more than ${MOST_FILES} recipes are extended`);
      const text = await readText({ file, code: CODE }, 'Paths begin at the recipe that names them.').catch(
        error => {
          if (!isAirferryError(error, 'FILE_NOT_FOUND', 'FILE_UNREADABLE')) throw error;
          throw refuse(error.message, ...error.suggestions);
        },
      );
      const layer = await this.follow(parseYaml(text, { file, code: CODE }), chain);
      base = base === undefined ? layer : laidOver(base, layer);
    }
    const { extends: _, ...value } = document.value;
    const own = { ...document, value };
    return base === undefined ? own : laidOver(base, own);
  }
}

function laidOver(base: YamlDocument, over: YamlDocument): YamlDocument {
  return overlay(base, over, { appended: ['images', 'files'], nulls: ['daemon', 'values'] });
}

/** The paths under `extends`: one, or a list. Throws RECIPE_INVALID. */
function basesOf(document: YamlDocument): { path: string; at: Position }[] {
  const written = (document.value as { extends: unknown }).extends;
  const listed = Array.isArray(written);
  return (listed ? written : [written]).map((path: unknown, index) => {
    const at = document.locate(listed ? ['extends', index] : ['extends']);
    if (typeof path === 'string' && path.trim() !== '' && !path.includes('\0')) return { path, at };
    const message = '`extends` must be the path of a recipe, or a list of them';
    throw problemsError([{ message, at }], document);
  });
}
