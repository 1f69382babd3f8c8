/** YAML nodes into plain values: maps to objects, aliases followed, everything else that YAML offers refused. */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { isObject } from '../support/is-object.ts';
import { type Position, type Problem, printable } from './problem.ts';

/** Anchored nodes by name. */
export type Anchors = Map<string, Node>;

/** Values that aliases may add to a file, counted each time that they are repeated. */
const MOST_REPEATED = 100_000;
/** Levels of nesting, aliases included; deeper means a mistake or malice. */
const DEEPEST = 64;

interface Walk {
  anchors: Anchors;
  /** Nodes that the walk is inside of: an alias to one of them would never end. */
  open: Set<Node>;
  depth: number;
  repeated: number;
  insideAlias: number;
  /** Whether merge keys, anchors that are defined anew, and numbers of any size are let through. */
  foreign: boolean;
  positionOf: (offset: number) => Position;
  problems: Problem[];
}

/**
 * The plain value of a YAML tree, and its anchors. What JSON could not say (keys that are no text, NaN, integers that
 * lose digits), duplicate keys, endless and exploding aliases are added to `problems`; the value is then of no use.
 */
export function plainValue(
  root: unknown,
  positionOf: (offset: number) => Position,
  problems: Problem[],
  { foreign = false }: { foreign?: boolean } = {},
): { value: unknown; anchors: Anchors } {
  const walk: Walk = {
    anchors: new Map(),
    open: new Set(),
    depth: 0,
    repeated: 0,
    insideAlias: 0,
    foreign,
    positionOf,
    problems,
  };
  return { value: plain(root, walk), anchors: walk.anchors };
}

/** The text of a map's key as it is written; undefined for lists, maps, aliases and nothing as keys. */
export function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function plain(node: unknown, walk: Walk): unknown {
  if (isAlias(node)) return followed(node, walk);
  if (walk.insideAlias > 0 && ++walk.repeated > MOST_REPEATED) return null;
  if (isScalar(node)) {
    register(node, walk);
    return scalarValue(node.value, node, walk);
  }
  if (!isMap(node) && !isSeq(node)) return null;
  register(node, walk);
  if (walk.depth >= DEEPEST) {
    report(walk, node, 'lists and maps are nested too deeply');
    return null;
  }
  walk.depth++;
  walk.open.add(node);
  const value = isMap(node) ? object(node, walk) : node.items.map(item => plain(item, walk));
  walk.open.delete(node);
  walk.depth--;
  return value;
}

function object(map: YAMLMap, walk: Walk): Record<string, unknown> {
  const seen = new Map<string, unknown>();
  const result: Record<string, unknown> = {};
  const merged: unknown[] = [];
  for (const pair of map.items as Pair[]) {
    const key = keyText(pair.key);
    const value = plain(pair.value, walk);
    if (key === undefined) reportKey(pair, map, walk);
    else if (key === '__proto__') report(walk, pair.key, '`__proto__` cannot be used as a key');
    else if (key === '<<' && walk.foreign) merged.push(...mergedMaps(pair, value, walk));
    else if (key === '<<')
      report(walk, pair.key, 'merge keys (`<<`) are not read', ['Write the keys out where they are needed.']);
    else if (seen.has(key)) {
      const { line } = walk.positionOf(offsetOf(seen.get(key)));
      report(
        walk,
        pair.key,
        `the key \`${printable(key)}\` stands here a second time; the first is on line ${line}`,
        ['Keep one of the two.'],
      );
    } else {
      seen.set(key, pair.key);
      result[key] = value;
    }
  }
  // What the map says itself goes first, then earlier ones of what is merged.
  for (const map of merged)
    for (const [key, value] of Object.entries(map as object))
      if (!Object.hasOwn(result, key)) result[key] = value;
  return result;
}

/** What a merge key brings in: a map, or a list of them. */
function mergedMaps(pair: Pair, value: unknown, walk: Walk): unknown[] {
  const maps = (Array.isArray(value) ? value : [value]).filter(map => map !== null);
  if (maps.every(isObject)) return maps;
  report(walk, pair.key, 'a merge key (`<<`) needs a map, or a list of maps');
  return [];
}

function reportKey(pair: Pair, map: YAMLMap, walk: Walk): void {
  const place = isScalar(pair.key) || pair.key === null ? (pair.key ?? map) : pair.key;
  if (isScalar(pair.key) || pair.key === null) report(walk, place, 'a key is missing before the colon');
  else
    report(walk, place, 'a list, map or alias cannot be a key', [
      'Text that begins with { or [ or * must be in quotes.',
    ]);
}

function scalarValue(value: unknown, node: { source?: string }, walk: Walk): unknown {
  if (typeof value !== 'number' || walk.foreign) return value;
  const whole = /^[-+]?\d+$/.test(node.source ?? '');
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) {
    report(walk, node, `the number \`${printable(node.source ?? '')}\` is too large to be kept exactly`, [
      'Put it in quotes to keep it as text.',
    ]);
  }
  return value;
}

function register(node: Node, walk: Walk): void {
  const name = 'anchor' in node ? node.anchor : undefined;
  if (name === undefined || name === null || walk.insideAlias > 0) return;
  if (walk.anchors.has(name) && !walk.foreign)
    report(walk, node, `the anchor \`&${printable(name)}\` is defined twice`);
  else walk.anchors.set(name, node);
}

function followed(alias: Alias, walk: Walk): unknown {
  const target = walk.anchors.get(alias.source);
  const name = printable(alias.source);
  if (target === undefined) {
    report(walk, alias, `nothing above is called \`&${name}\``, [
      'Text that begins with * must be in quotes.',
    ]);
    return null;
  }
  if (walk.open.has(target)) {
    report(walk, alias, `\`*${name}\` repeats the very value that it stands in`);
    return null;
  }
  if (walk.repeated > MOST_REPEATED) return null;
  walk.insideAlias++;
  const value = plain(target, walk);
  walk.insideAlias--;
  if (walk.repeated > MOST_REPEATED && walk.insideAlias === 0)
    report(walk, alias, `aliases repeat more than ${MOST_REPEATED} values`, [
      'Write the values out instead.',
    ]);
  return value;
}

/** Where a node begins, as an offset in the text; the beginning for a node that the parser gave no place. */
export function offsetOf(node: unknown): number {
  return (node as { range?: [number, number, number] | null } | undefined)?.range?.[0] ?? 0;
}

function report(walk: Walk, node: unknown, message: string, suggestions?: string[]): void {
  walk.problems.push({ message, at: walk.positionOf(offsetOf(node)), suggestions });
}
