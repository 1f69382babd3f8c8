/** From a path in a document to the place in its text. */
import { isAlias, isMap, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml';
import { type Anchors, keyText, offsetOf } from './plain.ts';
import type { Path } from './problem.ts';

interface Child {
  /** Absent for items of a list. */
  key?: unknown;
  value: unknown;
}

export interface Places {
  /** The offset of a key or value; where there is none, of the nearest thing around it. */
  offset(path: Path, what: 'key' | 'value'): number;
  /** A scalar as it is written; undefined for all else. */
  written(path: Path): string | undefined;
  /** The tag that a value carries; undefined for none. */
  tag(path: Path): string | undefined;
}

/** Look-up by path in a YAML tree whose keys are unique; each map is indexed when it is first entered. */
export function placesOf(root: unknown, anchors: Anchors): Places {
  const indexes = new WeakMap<YAMLMap, Map<string | undefined, Pair>>();
  const resolved = (node: unknown): unknown => (isAlias(node) ? anchors.get(node.source) : node);
  const child = (parent: unknown, part: string | number): Child | undefined => {
    const node = resolved(parent);
    if (isSeq(node))
      return typeof part === 'number' && part < node.items.length ? { value: node.items[part] } : undefined;
    if (!isMap(node)) return undefined;
    const index = indexes.get(node) ?? new Map(node.items.map(pair => [keyText(pair.key), pair]));
    indexes.set(node, index);
    return index.get(String(part)) ?? inherited(index.get('<<')?.value, part);
  };
  const inherited = (merged: unknown, part: string | number): Child | undefined => {
    const node = resolved(merged);
    if (!isSeq(node)) return isMap(node) ? child(node, part) : undefined;
    for (const item of node.items) {
      const found = child(item, part);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const at = (path: Path): unknown =>
    resolved(path.reduce<unknown>((parent, part) => child(parent, part)?.value, root));
  return {
    offset(path, what) {
      let place = root;
      let node = root;
      for (const [index, part] of path.entries()) {
        const found = child(node, part);
        if (found === undefined) break;
        const wantsKey = what === 'key' && index === path.length - 1;
        place = found.key !== undefined && (wantsKey || isNothing(found.value)) ? found.key : found.value;
        node = found.value;
      }
      return offsetOf(place);
    },
    written(path) {
      const node = at(path);
      return isScalar(node) ? node.source : undefined;
    },
    tag(path) {
      const node = at(path);
      return isScalar(node) || isMap(node) || isSeq(node) ? node.tag : undefined;
    },
  };
}

/** A key with nothing behind it: its value stands nowhere, so the key is shown. */
function isNothing(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null && !node.source);
}
