/**
 * The lock, `bundle.lock.yaml` beside `bundle.yaml`: the digest of whatever a recipe leaves to others, files of publishers by
 * address and images by name. Files of the operator are not in it: they lie beside the recipe, and are what they are.
 */
import { basename, dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Digest, isDigest } from '../content/digest.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { PendingFile } from '../support/write-file.ts';
import { parseYaml } from './document.ts';
import { readText } from './read.ts';
import { validate } from './validate.ts';

const pins = z.record(z.string(), z.custom<Digest>(isDigest, 'must be sha256: and 64 hexadecimal digits'));
const schema = z.strictObject({
  schemaVersion: z.literal(1),
  downloads: pins.optional(),
  images: pins.optional(),
});
/** Bytes; a lock of thousands of images has a few hundred thousand. */
const MOST_BYTES = 8 << 20;

export type PinKind = 'downloads' | 'images';

/** What has become of an entry since the lock was read. */
export interface LockChange {
  kind: PinKind;
  /** An address, or the whole name of an image. */
  name: string;
  /** Absent for what is new. */
  from?: Digest;
  /** Absent for what is gone. */
  to?: Digest;
}

export class Lock {
  readonly file: string;
  readonly #before: Record<PinKind, ReadonlyMap<string, Digest>>;
  readonly #pins: Record<PinKind, Map<string, Digest>>;

  private constructor(file: string, downloads: [string, Digest][], images: [string, Digest][]) {
    this.file = file;
    this.#before = { downloads: new Map(downloads), images: new Map(images) };
    this.#pins = { downloads: new Map(downloads), images: new Map(images) };
  }

  /** The lock that belongs to a recipe; an empty one where there is no file. Throws RECIPE_INVALID. */
  static async beside(recipe: string): Promise<Lock> {
    const file = join(dirname(recipe), `${basename(recipe).replace(/\.ya?ml$/, '')}.lock.yaml`);
    const origin = { file, code: 'RECIPE_INVALID' } as const;
    const text = await readText(origin, '', MOST_BYTES).catch(error => {
      if (isAirferryError(error, 'FILE_NOT_FOUND')) return undefined;
      throw error;
    });
    if (text === undefined) return new Lock(file, [], []);
    const { downloads = {}, images = {} } = validate(parseYaml(text, origin), schema);
    return new Lock(file, Object.entries(downloads), Object.entries(images));
  }

  /** What an address (`downloads`) or the whole name of an image (`images`) is pinned to. */
  digestOf(name: string, kind: PinKind = 'downloads'): Digest | undefined {
    return this.#pins[kind].get(name);
  }

  /** Pin an address, or the whole name of an image, to what it gave. */
  pin(name: string, digest: Digest, kind: PinKind = 'downloads'): void {
    this.#pins[kind].set(name, digest);
  }

  /** Let go of a pin, so that it is found anew. */
  release(name: string, kind: PinKind): void {
    this.#pins[kind].delete(name);
  }

  /** Let go of all that is not named. */
  keepOnly(names: ReadonlySet<string>, kind: PinKind): void {
    for (const name of [...this.#pins[kind].keys()]) if (!names.has(name)) this.release(name, kind);
  }

  /** The names of all pins, in their order. */
  names(kind: PinKind): string[] {
    return [...this.#pins[kind].keys()].sort();
  }

  /** What is other than in the file, in the order of the file. */
  changes(): LockChange[] {
    return (['downloads', 'images'] as const).flatMap(kind => {
      const [before, now] = [this.#before[kind], this.#pins[kind]];
      const names = [...new Set([...before.keys(), ...now.keys()])].sort();
      return names.flatMap((name): LockChange[] => {
        const [from, to] = [before.get(name), now.get(name)];
        return from === to ? [] : [{ kind, name, ...(from && { from }), ...(to && { to }) }];
      });
    });
  }

  /** Write the file if something in it is other than it was. Throws FILE_UNWRITABLE, DISK_FULL. */
  async save(): Promise<void> {
    if (this.changes().length === 0) return;
    const sorted = (kind: PinKind): Record<string, Digest> =>
      Object.fromEntries(this.names(kind).map(name => [name, this.#pins[kind].get(name) as Digest]));
    const content = {
      schemaVersion: 1,
      downloads: sorted('downloads'),
      ...(this.#pins.images.size > 0 && { images: sorted('images') }),
    };
    const text = `# Written by airferry. Keep it beside the recipe: same lock, same bundle.\n${stringify(content, { lineWidth: 0 })}`;
    const pending = await PendingFile.create(this.file);
    try {
      await pending.append(Buffer.from(text));
      await pending.commit();
    } catch (error) {
      await pending.discard();
      throw error;
    }
  }
}

/** The error of `--locked` for what the lock does not say. */
export function notLocked(lock: Lock, missing: readonly string[]): AirferryError {
  const [first = '', ...others] = missing;
  const list = others.length === 0 ? first : ['', ...missing].join('\n  ');
  return new AirferryError('LOCK_INCOMPLETE', `${lock.file} does not pin ${list}`, {
    where: { file: lock.file },
    suggestions: [
      'Run `airferry bundle update`, or create the bundle without --locked, where the internet can be reached.',
    ],
  });
}
