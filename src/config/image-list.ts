/**
 * Lists of images in a file. Text, one name a line, with the name that it goes on under in a second column if it is to
 * change; Rancher's `rancher-images.txt` is one. Or YAML: a list of names and of `{ image, as, platforms }`, alone or
 * under `images:`.
 */
import { formatPlatform, parsePlatform } from '../content/platform.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../content/reference.ts';
import { type ErrorCode, isAirferryError, type Where } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { parseYaml } from './document.ts';
import { type Path, type Position, type Problem, printable, problemsError } from './problem.ts';
import { readText } from './read.ts';
import { either, list, map, text } from './shapes.ts';
import { isYaml, MOST_LINES, textLines } from './text-lines.ts';
import { validate } from './validate.ts';

export interface ListedName {
  name: Reference;
  /** The name that it goes on under, where the list says one. */
  as?: Reference;
  /** `os/architecture[/variant]`; all of the image's where the list names none. */
  platforms?: string[];
  /** Where it is first named. */
  where: Where;
}

const CODE: ErrorCode = 'IMAGE_LIST_INVALID';
const MOST_PROBLEMS = 100;

const entry = map(
  {
    image: text('the name of an image, e.g. nginx:1.25').describe('The image.'),
    as: text('the name of an image').describe('The name that it goes on under.').optional(),
    platforms: list(text('a platform, e.g. linux/amd64'), 'a list, e.g. [linux/amd64]', 20)
      .describe('Only these of its platforms.')
      .optional(),
  },
  'a map, e.g. { image: nginx:1.25 }',
);
const names = list(
  either(text('the name of an image'), entry, 'the name of an image, or a map with image'),
  'a list of images, e.g. [nginx:1.25]',
  MOST_LINES,
);
const schema = map({ images: names }, 'a list of images, or a map with `images`');

/**
 * The images of a file in its order, each once. Throws FILE_NOT_FOUND, FILE_UNREADABLE, and IMAGE_LIST_INVALID with line and
 * column: also for a list without any image, and where two images are to go on under one name.
 */
export async function readImageList(file: string): Promise<ListedName[]> {
  return parseImageList(
    await readText({ file, code: CODE }, 'It is a text file with one image name a line.'),
    { file },
  );
}

/** The images in a text. Throws IMAGE_LIST_INVALID. */
export function parseImageList(content: string, { file }: { file: string }): ListedName[] {
  const found = new Found(file);
  if (isYaml(file, content)) yamlNames(content, found);
  else textNames(content, found);
  return found.names();
}

interface Wish {
  image: string;
  as?: string;
  platforms?: string[];
}

/** Gathers names, folds those that are the same, and notes what is wrong. */
class Found {
  readonly file: string;
  readonly #problems: Problem[] = [];
  readonly #names = new Map<string, ListedName>();
  /** The image that goes on under a name. */
  readonly #targets = new Map<string, { name: string; line: number }>();

  constructor(file: string) {
    this.file = file;
  }

  get full(): boolean {
    return this.#problems.length >= MOST_PROBLEMS;
  }

  refuse(message: string, at: Position, ...suggestions: string[]): void {
    this.#problems.push({ message, at, suggestions });
  }

  add(wish: Wish, at: { image: Position; as: Position; platforms: Position }): void {
    const name = this.#read(parseReference, wish.image, at.image);
    const as = wish.as === undefined ? undefined : this.#read(parseReference, wish.as, at.as);
    const platforms = wish.platforms?.map(one =>
      this.#read(text => formatPlatform(parsePlatform(text)), one, at.platforms),
    );
    if (name === undefined) return;
    if (as !== undefined) this.#claim(name, as, at.as);
    const key = `${formatReference(name)} ${as === undefined ? '' : formatReference(as)}`;
    const wanted = platforms?.filter(platform => platform !== undefined);
    const before = this.#names.get(key);
    if (before === undefined) {
      const where = { file: this.file, ...at.image };
      this.#names.set(key, { name, ...(as && { as }), ...(wanted && { platforms: wanted }), where });
    } else if (before.platforms === undefined || wanted === undefined) delete before.platforms;
    else before.platforms = [...new Set([...before.platforms, ...wanted])];
  }

  names(): ListedName[] {
    if (this.#problems.length === 0 && this.#names.size === 0)
      this.refuse('the list has no image', { line: 1, column: 1 }, 'Write one name a line, e.g. nginx:1.25.');
    if (this.#problems.length > 0) throw problemsError(this.#problems, { file: this.file, code: CODE });
    return [...this.#names.values()];
  }

  #read<T>(parse: (text: string) => T, written: string, at: Position): T | undefined {
    try {
      return parse(written);
    } catch (error) {
      if (!isAirferryError(error)) throw error;
      this.refuse(error.message, at, ...error.suggestions);
      return undefined;
    }
  }

  #claim(name: Reference, as: Reference, at: Position): void {
    const target = formatReference(as);
    const other = this.#targets.get(target);
    const own = familiarName(name);
    if (other === undefined) this.#targets.set(target, { name: own, line: at.line });
    else if (other.name !== own)
      this.refuse(`${own} would get the name ${target}, which ${other.name} gets on line ${other.line}`, at);
  }
}

function textNames(content: string, found: Found): void {
  for (const [index, { words, at }] of textLines(content).entries()) {
    const [image = '', as, third] = words;
    const [start = { line: 1, column: 1 }, second = start, extra = start] = at;
    if (found.full) return;
    if (index >= MOST_LINES) {
      found.refuse(`the list has more than ${MOST_LINES} lines`, start);
      return;
    }
    if (third !== undefined)
      found.refuse(
        `a line names an image, and the name that it goes on under; this one has ${words.length} words`,
        extra,
        'Begin a comment with #.',
      );
    else if (as === undefined && /^[^=]+=[^=]+$/.test(image))
      found.refuse(
        `\`${printable(image)}\` is no image name`,
        start,
        `Write the two names in columns: \`${printable(image.replace('=', ' '))}\`. Rules for names belong into --retag-file.`,
      );
    else found.add({ image, as }, { image: start, as: second, platforms: start });
  }
}

function yamlNames(content: string, found: Found): void {
  const document = parseYaml(content, { file: found.file, code: CODE });
  const inMap = isObject(document.value);
  const images = inMap ? validate(document, schema).images : validate(document, names);
  for (const [index, image] of images.entries()) {
    if (found.full) return;
    const path: Path = inMap ? ['images', index] : [index];
    const at = (key: string): Position => document.locate(typeof image === 'string' ? path : [...path, key]);
    found.add(typeof image === 'string' ? { image } : image, {
      image: at('image'),
      as: at('as'),
      platforms: at('platforms'),
    });
  }
}
