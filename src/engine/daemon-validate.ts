/** Is every key of a daemon.json known to the engine, of the right type, and given only here? */
import { closest } from '../support/suggest.ts';
import { DAEMON_KEYS, type DaemonKey, type DaemonKeyType } from './daemon-keys.ts';
import { valueFindings } from './daemon-rules.ts';
import { errorFinding, type Finding } from './finding.ts';
import type { Place } from './json-reader.ts';
import { shown } from './shown.ts';
import { atLeast, inRange, parseEngineVersion } from './version.ts';

export interface DaemonContext {
  /** The engine that is to read it: `20.10.24`. */
  engine: string;
  /** For messages. */
  file?: string;
  /** Keys that the units give dockerd as flags already: `unitFlags()`. Default: none. */
  flags?: readonly string[];
  /** Keys that must say something, such as those a template leaves to the site. Default: none. */
  needs?: readonly string[];
  /** Where the keys stand in the file, as `parseDaemonJson` tells. */
  places?: ReadonlyMap<string, Place>;
}

const TYPE_NAMES: Record<DaemonKeyType, string> = {
  string: 'a text in quotes',
  boolean: 'true or false, without quotes',
  integer: 'a whole number, without quotes',
  strings: 'a list of texts: ["…"]',
  'string-map': 'an object whose values are texts: {"…": "…"}',
  'boolean-map': 'an object whose values are true or false: {"…": true}',
  object: 'an object: {…}',
  'object-map': 'an object whose values are objects: {"…": {…}}',
  objects: 'a list of objects: [{…}]',
};

/** Everything that is wrong or doubtful, in the order of the keys. Never throws for what `config` says. */
export function validateDaemonJson(config: Record<string, unknown>, context: DaemonContext): Finding[] {
  const findings: Finding[] = [];
  const sound: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const wrong = keyFinding(key, value, config, context);
    if (wrong) findings.push(wrong);
    else sound[key] = value;
  }
  for (const key of context.needs ?? []) {
    const value = config[key];
    if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0))
      findings.push(
        errorFinding(
          key,
          `"${key}" is left to the site, and nobody gave it`,
          `Give "${key}" under \`daemon: values:\`.`,
        ),
      );
  }
  const order = Object.keys(config);
  const rank = ({ key }: Finding): number => order.indexOf(key.split('/', 1)[0] ?? '');
  return [...findings, ...valueFindings(sound, context.engine)]
    .sort((a, b) => rank(a) - rank(b))
    .map(finding => ({ ...finding, ...placeOf(finding.key, context.places) }));
}

function keyFinding(
  key: string,
  value: unknown,
  config: Record<string, unknown>,
  context: DaemonContext,
): Finding | undefined {
  const error = (message: string, suggestion?: string): Finding => errorFinding(key, message, suggestion);
  const engine = parseEngineVersion(context.engine);
  const known = DAEMON_KEYS.get(key);
  if (known === undefined) {
    const current = [...DAEMON_KEYS].filter(([, range]) => inRange(engine, range)).map(([name]) => name);
    const near = closest(key, current) ?? closest(key, DAEMON_KEYS.keys());
    return error(
      `${shown(key)} is no key of daemon.json`,
      near === undefined
        ? `Remove ${shown(key)}: dockerd does not start with it.`
        : `Did you mean "${near}"?`,
    );
  }
  if (!inRange(engine, known)) return error(...outOfRange(key, known, config, context.engine));
  if (context.flags?.includes(key))
    return error(
      `"${key}" is given in daemon.json and as a flag of the unit: dockerd refuses both together`,
      key === 'hosts'
        ? 'Remove "hosts", or do without docker.socket.'
        : `Remove "${key}": the unit sets it already.`,
    );
  if (key === 'graph' && Object.hasOwn(config, 'data-root'))
    return error('"graph" and "data-root" are the same setting', 'Remove "graph".');
  if (!hasType(value, known.type)) {
    if (known.type === 'string-map' && isPlainMap(value)) return undefined;
    return error(`"${key}" must be ${TYPE_NAMES[known.type]}`, exampleFor(key, value, known.type));
  }
  if (known.values !== undefined && !known.values.includes(value as string)) {
    const near = closest(value as string, known.values);
    return error(
      `"${key}" cannot be ${shown(String(value))}`,
      near === undefined ? `Choose one of ${known.values.join(', ')}.` : `Did you mean "${near}"?`,
    );
  }
  return undefined;
}

function outOfRange(
  key: string,
  { from, until }: DaemonKey,
  config: Record<string, unknown>,
  engine: string,
): [message: string, suggestion: string] {
  if (until === undefined || !atLeast(engine, until))
    return [
      `engine ${engine} does not know "${key}" yet: it came with ${from}`,
      `Remove "${key}", or use engine ${from} or newer.`,
    ];
  const gone = `engine ${engine} no longer knows "${key}": it is gone since ${until}`;
  const renamed = key === 'graph' && !Object.hasOwn(config, 'data-root');
  return [gone, renamed ? 'Rename it to "data-root".' : `Remove "${key}".`];
}

function hasType(value: unknown, type: DaemonKeyType): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type;
    case 'integer':
      return Number.isSafeInteger(value);
    case 'strings':
      return Array.isArray(value) && value.every(item => typeof item === 'string');
    case 'objects':
      return Array.isArray(value) && value.every(isPlainMap);
    case 'object':
      return isPlainMap(value);
    case 'object-map':
      return isPlainMap(value) && Object.values(value).every(isPlainMap);
    case 'string-map':
      return isPlainMap(value) && Object.values(value).every(item => typeof item === 'string');
    case 'boolean-map':
      return isPlainMap(value) && Object.values(value).every(item => typeof item === 'boolean');
  }
}

function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as it was probably meant. */
function exampleFor(key: string, value: unknown, type: DaemonKeyType): string | undefined {
  const write = (meant: unknown): string => `Write \`"${key}": ${JSON.stringify(meant)}\`.`;
  if (type === 'strings' && typeof value === 'string') return write([value]);
  if (type === 'string' && typeof value === 'number') return write(String(value));
  if (type === 'string' && Array.isArray(value) && value.length === 1) return write(value[0]);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return write(value === 'true');
  if (type === 'integer' && typeof value === 'string' && /^\d{1,9}$/.test(value)) return write(Number(value));
  return undefined;
}

function placeOf(key: string, places: DaemonContext['places']): Place | undefined {
  return places?.get(key) ?? places?.get(key.split('/', 1)[0] ?? '');
}
