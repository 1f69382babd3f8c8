/**
 * daemon.json: read, merged, checked, written. A host's file is a template with the recipe's values over it and the
 * group's and the host's over those; `buildDaemonJson` does all of it.
 */
import { AirferryError } from '../errors.ts';
import { plural } from '../support/format.ts';
import { isObject } from '../support/is-object.ts';
import { DAEMON_KEYS } from './daemon-keys.ts';
import { type DaemonContext, validateDaemonJson } from './daemon-validate.ts';
import { type Finding, warnFinding } from './finding.ts';
import { type Place, readJson } from './json-reader.ts';

export type DaemonConfig = Record<string, unknown>;

export interface ParsedDaemonJson {
  config: DaemonConfig;
  /** Where each key stands, by its path: `log-opts/max-file`. */
  places: ReadonlyMap<string, Place>;
}

export interface BuiltDaemonJson {
  config: DaemonConfig;
  /** What to write into /etc/docker/daemon.json. */
  text: string;
  warnings: Finding[];
}

/** Read a daemon.json; what it says is not checked yet. Throws DAEMON_JSON_INVALID with file, line and column. */
export function parseDaemonJson(text: string, { file }: { file: string }): ParsedDaemonJson {
  const { value, places } = readJson(text, file);
  if (isObject(value)) return { config: value, places };
  throw new AirferryError('DAEMON_JSON_INVALID', 'the settings are not an object', {
    where: { file, line: 1, column: 1 },
    suggestions: ['Write them between { and }.'],
  });
}

/**
 * Merge settings, later ones over earlier ones, as JSON Merge Patch does (RFC 7396): objects key by key, everything
 * else replaced, lists included, and null takes a key away. A list that is to grow is to be written out: then every
 * file says by itself what a host gets.
 */
export function mergeDaemonJson(...layers: readonly DaemonConfig[]): DaemonConfig {
  return layers.reduce<DaemonConfig>((merged, layer) => mergeObjects(merged, layer), {});
}

/** Two spaces, keys in their order, a newline at the end: the same settings are always the same bytes. */
export function formatDaemonJson(config: DaemonConfig): string {
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Rename `graph`, the old name of `data-root`, which engine 24 no longer knows, and say so. */
export function mendDaemonJson(config: DaemonConfig): { config: DaemonConfig; findings: Finding[] } {
  if (!Object.hasOwn(config, 'graph') || Object.hasOwn(config, 'data-root')) return { config, findings: [] };
  const renamed = Object.entries(config).map(([key, value]) => [key === 'graph' ? 'data-root' : key, value]);
  return {
    config: Object.fromEntries(renamed),
    findings: [
      warnFinding(
        'graph',
        '"graph" is the old name of "data-root", and was written as that',
        'Rename it to "data-root".',
      ),
    ],
  };
}

/**
 * Mend, merge, check and write. Throws DAEMON_JSON_INVALID with every mistake in one error; what is doubtful, but no
 * mistake, comes back as warnings. `context.places` is of use only when there is a single layer.
 */
export function buildDaemonJson(layers: readonly DaemonConfig[], context: DaemonContext): BuiltDaemonJson {
  const mended = layers.map(layer => mendDaemonJson(layer));
  const config = mergeDaemonJson(...mended.map(layer => layer.config));
  const warnings = checkDaemonJson(config, context);
  return {
    config,
    text: formatDaemonJson(config),
    warnings: [...mended.flatMap(layer => layer.findings), ...warnings],
  };
}

/** `validateDaemonJson`, throwing DAEMON_JSON_INVALID with all errors in one; gives back the warnings. */
export function checkDaemonJson(config: DaemonConfig, context: DaemonContext): Finding[] {
  const findings = validateDaemonJson(config, context);
  const errors = findings.filter(finding => finding.severity === 'error');
  const [first] = errors;
  if (first === undefined) return findings;
  const file = context.file ?? 'daemon.json';
  const lines = errors.map(({ line, message }) =>
    line === undefined ? message : `line ${line}: ${message}`,
  );
  const message =
    errors.length === 1
      ? first.message
      : `${plural(errors.length, 'mistake')} in ${file}:\n${lines.map(line => `  ${line}`).join('\n')}`;
  const suggestions = errors.flatMap(({ suggestion }) => (suggestion === undefined ? [] : [suggestion]));
  const { line, column } = first;
  const place = line === undefined || column === undefined ? {} : { line, column };
  throw new AirferryError('DAEMON_JSON_INVALID', message, {
    where: { file, ...place },
    suggestions: [...new Set(suggestions)],
  });
}

/** What an engine that runs on `before` must do to run on `after`, and the keys that make it so. */
export function daemonJsonChange(
  before: DaemonConfig,
  after: DaemonConfig,
): { needs: 'nothing' | 'reload' | 'restart'; keys: string[] } {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter(key => canonical(before[key]) !== canonical(after[key]))
    .sort();
  if (keys.length === 0) return { needs: 'nothing', keys };
  return { needs: keys.every(key => DAEMON_KEYS.get(key)?.reloadable) ? 'reload' : 'restart', keys };
}

function mergeObjects(base: DaemonConfig, patch: DaemonConfig): DaemonConfig {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    const old = merged.get(key);
    if (value === null) merged.delete(key);
    else if (isObject(value)) merged.set(key, mergeObjects(isObject(old) ? old : {}, value));
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

/** JSON with sorted keys, to compare values whose keys may be in another order. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
