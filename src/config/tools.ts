/** Tools beside the engine that a recipe carries, from their publishers or from files of the operator. */
import type { Position } from './problem.ts';
import type { RecipeShape } from './recipe-schema.ts';
import type { Report } from './report.ts';
import { type Absolute, checkVersion, type Source, sources } from './sources.ts';

export type ToolName = 'rootless-extras' | 'buildx' | 'crictl' | 'nerdctl' | 'registry';

export interface ToolSpec {
  name: ToolName;
  version: string;
  /** One for each of the recipe's platforms, in their order. */
  sources: Source[];
  at: Position;
}

/** The tools of a recipe in the order of their names, mistakes reported. */
export function toolSpecs(
  { tools = {}, engine }: Pick<RecipeShape, 'tools' | 'engine'>,
  platforms: readonly string[],
  absolute: Absolute,
  report: Report,
): ToolSpec[] {
  const names = (Object.keys(tools) as ToolName[]).sort();
  return names.flatMap(name => {
    const written = tools[name];
    if (written === undefined) return [];
    const path = ['tools', name];
    // The extras of an engine are published with it, under its version.
    const version = written.version ?? (name === 'rootless-extras' ? engine?.version : undefined);
    if (version === undefined) {
      const hint = name === 'rootless-extras' ? ['Give one, or an `engine` to take it from.'] : [];
      report.add(path, `\`tools.${name}\` needs a \`version\``, 'key', ...hint);
      return [];
    }
    if (written.version !== undefined) checkVersion(path, version, report);
    const found = sources(path, 'file', { ...written, path: written.file }, platforms, absolute, report);
    return [{ name, version, sources: found, at: report.at(path, 'key') }];
  });
}
