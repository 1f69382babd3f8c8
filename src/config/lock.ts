/** The lock, `bundle.lock.yaml` beside the recipe: the digest of whatever the recipe leaves to its publisher. */
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Digest, isDigest } from '../content/digest.ts';
import { isAirferryError } from '../errors.ts';
import { PendingFile } from '../support/write-file.ts';
import { parseYaml } from './document.ts';
import { readText } from './read.ts';
import { validate } from './validate.ts';

const schema = z.strictObject({
  schemaVersion: z.literal(1),
  downloads: z.record(z.string(), z.custom<Digest>(isDigest, 'must be sha256: and 64 hexadecimal digits')),
});

export class Lock {
  readonly file: string;
  readonly #downloads: Map<string, Digest>;
  #changed = false;

  private constructor(file: string, downloads: Map<string, Digest>) {
    this.file = file;
    this.#downloads = downloads;
  }

  /** The lock that belongs to a recipe; an empty one where there is no file. Throws RECIPE_INVALID. */
  static async beside(recipe: string): Promise<Lock> {
    const file = join(dirname(recipe), 'bundle.lock.yaml');
    const text = await readText({ file, code: 'RECIPE_INVALID' }, '').catch(error => {
      if (isAirferryError(error, 'FILE_NOT_FOUND')) return undefined;
      throw error;
    });
    if (text === undefined) return new Lock(file, new Map());
    const { downloads } = validate(parseYaml(text, { file, code: 'RECIPE_INVALID' }), schema);
    return new Lock(file, new Map(Object.entries(downloads)));
  }

  /** The digest that an address is pinned to. */
  digestOf(url: string): Digest | undefined {
    return this.#downloads.get(url);
  }

  /** Pin an address to what it gave. */
  pin(url: string, digest: Digest): void {
    if (this.#downloads.get(url) === digest) return;
    this.#downloads.set(url, digest);
    this.#changed = true;
  }

  /** Write the file if there is something new in it. Throws FILE_UNWRITABLE. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    const downloads = Object.fromEntries([...this.#downloads].sort(([a], [b]) => (a < b ? -1 : 1)));
    const text = `# Written by airferry. Keep it beside the recipe: same lock, same bundle.\n${stringify({ schemaVersion: 1, downloads })}`;
    const pending = await PendingFile.create(this.file);
    await pending.append(Buffer.from(text));
    await pending.commit();
    this.#changed = false;
  }
}
