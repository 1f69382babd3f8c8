/** Changing the names of what a place holds, without touching content: which names go, come and stay. Pure. */
import type { Digest } from '../content/digest.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../content/reference.ts';
import { collisions, type RetagRule, retag } from '../content/retag.ts';
import { AirferryError } from '../errors.ts';
import { selectIn } from './select.ts';
import type { Inventory } from './source.ts';

/** What an operator asks for. */
export interface NameRequest {
  /** The first rule that matches a name rewrites it. */
  rules?: readonly RetagRule[];
  /** One image and its new name; the image as a location names it, so `@0` and a digest will do. */
  rename?: { from: string; to: Reference };
  /** Names that go; their content stays, known by its digest or by its other names. */
  remove?: readonly string[];
  /** The new names come beside the old ones, which stay. */
  keep?: boolean;
}

/** What becomes of one name, or of content that had none. */
export interface NameChange {
  from?: Reference;
  to: Reference[];
  /** The rule that made the name. */
  rule?: string;
  /** Of the manifest or index; of the config where there is no manifest. */
  content: Digest;
}

/** What becomes of each name of an inventory. Throws IMAGE_NOT_FOUND, RULE_INVALID, RULE_COLLISION; `place` is for messages. */
export function planNames(inventory: Inventory, request: NameRequest, place: string): NameChange[] {
  const { rules = [], rename, keep = false } = request;
  const remove = new Set(
    (request.remove ?? []).map(name => {
      selectIn(inventory, name, place);
      return formatReference(parseReference(name));
    }),
  );
  const asked = rename && chosen(inventory, rename.from, place);
  const changes = namesOf(inventory).map(({ name: from, content }): NameChange => {
    if (from === undefined)
      return { to: rename && asked?.content === content && !asked.name ? [rename.to] : [], content };
    const key = formatReference(from);
    if (remove.has(key)) return { from, to: [], content };
    if (rename && asked?.name === key) return { from, to: withOld(from, rename.to, keep), content };
    const { to, rule } = retag(from, rules);
    return { from, to: withOld(from, to, keep), ...(rule === undefined ? {} : { rule }), content };
  });
  refuseCollisions(changes);
  return changes;
}

/** Whether anything changes at all. */
export function changesNames(changes: readonly NameChange[]): boolean {
  return changes.some(({ from, to }) => {
    const before = from ? [formatReference(from)] : [];
    return before.join() !== to.map(formatReference).join();
  });
}

/** The names that a name becomes, and those that unnamed content gets: what the documents of a place are changed by. */
export class Renames {
  readonly #names = new Map<string, Reference[]>();
  readonly #unnamed = new Map<Digest, Reference[]>();

  constructor(changes: readonly NameChange[]) {
    for (const { from, to, content } of changes) {
      if (from) this.#names.set(formatReference(from), to);
      else if (to.length > 0) this.#unnamed.set(content, to);
    }
  }

  of(name: Reference): Reference[] {
    return this.#names.get(formatReference(name)) ?? [name];
  }

  /** For content without a name, by the digest of its manifest or config. */
  ofUnnamed(...digests: Digest[]): Reference[] {
    return digests.flatMap(digest => this.#unnamed.get(digest) ?? []).slice(0, 1);
  }
}

function withOld(from: Reference, to: Reference, keep: boolean): Reference[] {
  return keep && formatReference(from) !== formatReference(to) ? [from, to] : [to];
}

function chosen(inventory: Inventory, name: string, place: string): { content: Digest; name?: string } {
  const { images, indexes } = selectIn(inventory, name, place);
  const top = indexes.at(-1) ?? images[0];
  if (!top) throw new AirferryError('IMAGE_NOT_FOUND', `${place} has no image ${name}`);
  const content =
    'index' in top ? top.index.descriptor.digest : (top.manifest ?? top.config).descriptor.digest;
  const [own] = top.names.map(formatReference);
  const isNamed = namesOf(inventory).some(({ name }) => name && formatReference(name) === own);
  return { content, ...(own && isNamed ? { name: own } : {}) };
}

/** Each name with its content; content at the top without a name once. */
function namesOf({ images, indexes }: Inventory): { name?: Reference; content: Digest }[] {
  const children = new Set(indexes.flatMap(index => index.children));
  const all = [
    ...images.map(({ names, manifest, config }) => ({
      names,
      content: (manifest ?? config).descriptor.digest,
    })),
    ...indexes.map(({ names, index }) => ({ names, content: index.descriptor.digest })),
  ];
  return all.flatMap(({ names, content }): { name?: Reference; content: Digest }[] => {
    if (names.length === 0) return children.has(content) ? [] : [{ content }];
    return names.map(name => ({ name, content }));
  });
}

function refuseCollisions(changes: readonly NameChange[]): void {
  const found = collisions(
    changes.flatMap(({ from, to, content }) =>
      to.map(name => ({ from: from ?? name, to: name, image: content })),
    ),
  );
  const [first] = found;
  if (!first) return;
  const lines = found.map(({ to, from }) => `  ${to} from ${from.join(' and ')}`);
  throw new AirferryError(
    'RULE_COLLISION',
    `different images would get the same name; nothing was changed:\n${lines.join('\n')}`,
    {
      suggestions: [
        `Take the name from one of them first: --remove ${familiarName(parseReference(first.to))}. --dry-run shows what each name becomes.`,
      ],
    },
  );
}
