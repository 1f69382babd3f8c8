/**
 * The lock, `bundle.lock.yaml` beside `bundle.yaml`: the digest of whatever a recipe leaves to others, files of publishers by
 * address and images by name. Files of the operator are not in it: they lie beside the recipe, and are what they are.
 */
import { basename, dirname, join } from 'node:path';
import { stringify } from 'yaml';
import * as z from 'zod';
import { type Digest, isDigest } from '../content/digest.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { writeWhole } from '../support/write-file.ts';
import { parseYaml } from './document.ts';
import { readText } from './read.ts';
import { validate } from './validate.ts';

const pins = z.record(z.string(), z.custom<Digest>(isDigest, 'must be sha256: and 64 hexadecimal digits'));
const digests = z.array(z.custom<Digest>(isDigest, 'must be sha256: and 64 hexadecimal digits'));
const schema = z.strictObject({
  schemaVersion: z.literal(1),
  downloads: pins.optional(),
  images: pins.optional(),
  referrers: z.record(z.string(), digests).optional(),
});
/** Bytes; a lock of thousands of images has a few hundred thousand. */
const MOST_BYTES = 8 << 20;

export type PinKind = 'downloads' | 'images';

/** What has become of an entry since the lock was read. */
export interface LockChange {
  kind: PinKind | 'referrers';
  /** An address, the whole name of an image, or the digest of an image that others refer to. */
  name: string;
  /** A digest, of referrers any number with spaces in between. Absent for what is new. */
  from?: string;
  /** Absent for what is gone. */
  to?: string;
}

type Pins = Record<PinKind | 'referrers', Map<string, string>>;
const KINDS = ['downloads', 'images', 'referrers'] as const;

export class Lock {
  readonly file: string;
  readonly #before: Pins;
  readonly #pins: Pins;

  private constructor(file: string, written: Partial<Record<keyof Pins, Record<string, string>>> = {}) {
    const pins = (): Pins => ({
      downloads: new Map(Object.entries(written.downloads ?? {})),
      images: new Map(Object.entries(written.images ?? {})),
      referrers: new Map(Object.entries(written.referrers ?? {})),
    });
    this.file = file;
    this.#before = pins();
    this.#pins = pins();
  }

  /** The lock that belongs to a recipe; an empty one where there is no file. Throws RECIPE_INVALID. */
  static async beside(recipe: string): Promise<Lock> {
    const file = join(dirname(recipe), `${basename(recipe).replace(/\.ya?ml$/, '')}.lock.yaml`);
    const origin = { file, code: 'RECIPE_INVALID' } as const;
    const text = await readText(origin, '', MOST_BYTES).catch(error => {
      if (isAirferryError(error, 'FILE_NOT_FOUND')) return undefined;
      throw error;
    });
    if (text === undefined) return new Lock(file);
    const { referrers = {}, downloads = {}, images = {} } = validate(parseYaml(text, origin), schema);
    const joined = Object.entries(referrers).map(([subject, list]) => [subject, list.join(' ')]);
    return new Lock(file, { downloads, images, referrers: Object.fromEntries(joined) });
  }

  /** What an address (`downloads`) or the whole name of an image (`images`) is pinned to. */
  digestOf(name: string, kind: PinKind = 'downloads'): Digest | undefined {
    return this.#pins[kind].get(name) as Digest | undefined;
  }

  /** Pin an address, or the whole name of an image, to what it gave. */
  pin(name: string, digest: Digest, kind: PinKind = 'downloads'): void {
    this.#pins[kind].set(name, digest);
  }

  /** The signatures, SBOMs and attestations of an image; undefined where nobody has looked for them. */
  referrersOf(image: Digest): Digest[] | undefined {
    const joined = this.#pins.referrers.get(image);
    return joined === '' ? [] : (joined?.split(' ') as Digest[] | undefined);
  }

  pinReferrers(image: Digest, found: readonly Digest[]): void {
    this.#pins.referrers.set(image, [...found].sort().join(' '));
  }

  /** Let go of a pin, so that it is found anew. */
  release(name: string, kind: keyof Pins): void {
    this.#pins[kind].delete(name);
  }

  /** Let go of all that is not named. */
  keepOnly(names: ReadonlySet<string>, kind: keyof Pins): void {
    for (const name of [...this.#pins[kind].keys()]) if (!names.has(name)) this.release(name, kind);
  }

  /** The names of all pins, in their order. */
  names(kind: keyof Pins): string[] {
    return [...this.#pins[kind].keys()].sort();
  }

  /** What is other than in the file, in the order of the file. */
  changes(): LockChange[] {
    return KINDS.flatMap(kind => {
      const [before, now] = [this.#before[kind], this.#pins[kind]];
      const names = [...new Set([...before.keys(), ...now.keys()])].sort();
      return names.flatMap((name): LockChange[] => {
        const [from, to] = [before.get(name), now.get(name)];
        if (from === to) return [];
        return [{ kind, name, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
      });
    });
  }

  /** Write the file if something in it is other than it was. Throws FILE_UNWRITABLE, DISK_FULL. */
  async save(): Promise<void> {
    if (this.changes().length === 0) return;
    const sorted = (kind: keyof Pins): [string, string][] =>
      this.names(kind).map(name => [name, this.#pins[kind].get(name) ?? '']);
    const referrers = sorted('referrers').map(([subject, joined]) => [
      subject,
      joined.split(' ').filter(digest => digest !== ''),
    ]);
    const content = {
      schemaVersion: 1,
      downloads: Object.fromEntries(sorted('downloads')),
      ...(this.#pins.images.size > 0 && { images: Object.fromEntries(sorted('images')) }),
      ...(referrers.length > 0 && { referrers: Object.fromEntries(referrers) }),
    };
    const text = `# Written by airferry. Keep it beside the recipe: same lock, same bundle.\n${stringify(content, { lineWidth: 0 })}`;
    await writeWhole(this.file, text);
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
