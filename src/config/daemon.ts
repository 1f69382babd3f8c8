/** The wish for a daemon.json: a template, values, and where each value was asked for. */
import type * as z from 'zod';
import type { YamlDocument } from './document.ts';
import type { Path, Position } from './problem.ts';
import type { daemonShape } from './shapes.ts';

export interface DaemonSpec {
  /** The name of a template in `templates/`. */
  template?: string;
  /** Keys of daemon.json. Which of them exist is for the engine's version to say, not for the file's shape. */
  values: Record<string, unknown>;
  /** Where each key of `values` stands. */
  keys: Record<string, Position>;
  at: Position;
}

/** The daemon part of a recipe, host or group that stands at `path`. */
export function daemonSpec(
  shape: z.output<typeof daemonShape>,
  path: Path,
  document: YamlDocument,
): DaemonSpec {
  const values = shape.values ?? {};
  const keys = Object.keys(values).map(key => [key, document.locate([...path, 'values', key], 'key')]);
  return {
    template: shape.template,
    values,
    keys: Object.fromEntries(keys),
    at: document.locate(path, 'key'),
  };
}
