/** What one compose file says of one service, as far as images go; and what two files say of it together. */
import { isObject } from '../support/is-object.ts';
import { contentOf, isOverride, isReset, mistake, textAt, textsAt, type Written } from './compose-scope.ts';
import type { YamlDocument } from './document.ts';
import type { Lookup } from './interpolate.ts';
import type { Path, Position } from './problem.ts';

/** One file's word on a service. Undefined is left to other files; null takes away what they say (`!reset`). */
export interface ServicePart {
  image?: Written | null;
  build?: true | null;
  platform?: Written | null;
  pullPolicy?: Written | null;
  profiles: Listed<Written>;
  /** Services by name, and whether this one cannot do without them. */
  dependsOn: Listed<{ name: string; required: boolean }>;
  /** Images that are mounted as volumes, by the place in the container. */
  mounts: Listed<{ target: string; image: Written }>;
  extends?: { service: Written; file?: Written };
  /** Whether it takes the place of what earlier files say of the service, as a whole. */
  replaces: boolean;
  /** The file that speaks of it first, and where. */
  file: string;
  at: Position;
}

export interface Listed<T> {
  items: T[];
  /** Whether the list takes the place of those of earlier files instead of adding to them. */
  replaces: boolean;
}

/** The service that stands at a path. Throws COMPOSE_FILE_INVALID. */
export function servicePart(document: YamlDocument, path: Path, lookup: Lookup): ServicePart {
  const value = contentOf(document, path);
  if (!isObject(value)) throw mistake(document, path, 'must be a map, e.g. { image: nginx:1.25 }');
  const field = <T>(key: string, read: (path: Path) => T): T | null | undefined => {
    const place = [...path, key];
    if (!Object.hasOwn(value, key)) return undefined;
    return value[key] === null || isReset(document, place) ? null : read(place);
  };
  const text = (key: string): Written | null | undefined =>
    field(key, place => textAt(document, place, lookup));
  const list = <T>(key: string, read: (path: Path) => T[]): Listed<T> => {
    const place = [...path, key];
    if (isReset(document, place)) return { items: [], replaces: true };
    const items = field(key, read) ?? [];
    return { items, replaces: isOverride(document, place) };
  };
  return {
    image: text('image'),
    build: field('build', () => true),
    platform: text('platform'),
    pullPolicy: text('pull_policy'),
    profiles: list('profiles', place => textsAt(document, place, lookup)),
    dependsOn: list('depends_on', place => dependencies(document, place, lookup)),
    mounts: list('volumes', place => imageMounts(document, place, lookup)),
    extends: field('extends', place => extended(document, place, lookup)) ?? undefined,
    replaces: isOverride(document, path),
    file: document.file,
    at: document.locate(path, 'key'),
  };
}

/** What an earlier and a later word on a service say together: the later one wins, lists add up. */
export function mergeParts(base: ServicePart, over: ServicePart): ServicePart {
  if (over.replaces) return { ...over, replaces: base.replaces };
  const pick = <T>(before: T | undefined, after: T | undefined): T | undefined =>
    after === undefined ? before : after;
  const mounted = new Set(over.mounts.items.map(({ target }) => target));
  const kept = base.mounts.items.filter(({ target }) => !mounted.has(target));
  return {
    image: pick(base.image, over.image),
    build: pick(base.build, over.build),
    platform: pick(base.platform, over.platform),
    pullPolicy: pick(base.pullPolicy, over.pullPolicy),
    profiles: joined(base.profiles, over.profiles),
    dependsOn: joined(base.dependsOn, over.dependsOn),
    mounts: joined({ ...base.mounts, items: kept }, over.mounts),
    replaces: base.replaces,
    file: base.file,
    at: base.at,
  };
}

function joined<T>(base: Listed<T>, over: Listed<T>): Listed<T> {
  return over.replaces ? over : { items: [...base.items, ...over.items], replaces: base.replaces };
}

function dependencies(
  document: YamlDocument,
  path: Path,
  lookup: Lookup,
): { name: string; required: boolean }[] {
  const value = contentOf(document, path);
  if (!isObject(value))
    return textsAt(document, path, lookup).map(({ text }) => ({ name: text, required: true }));
  return Object.entries(value).map(([name, wish]) => ({
    name,
    required: !(isObject(wish) && wish.required === false),
  }));
}

function imageMounts(
  document: YamlDocument,
  path: Path,
  lookup: Lookup,
): { target: string; image: Written }[] {
  const value = contentOf(document, path);
  if (!Array.isArray(value)) return [];
  return value.flatMap((mount: unknown, index) => {
    if (!isObject(mount) || mount.type !== 'image') return [];
    const image = textAt(document, [...path, index, 'source'], lookup);
    return [{ target: typeof mount.target === 'string' ? mount.target : '', image }];
  });
}

function extended(document: YamlDocument, path: Path, lookup: Lookup): ServicePart['extends'] {
  const value = contentOf(document, path);
  if (!isObject(value)) return { service: textAt(document, path, lookup) };
  const file =
    value.file === undefined || value.file === null ? undefined : textAt(document, [...path, 'file'], lookup);
  return { service: textAt(document, [...path, 'service'], lookup), file };
}
