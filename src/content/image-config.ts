/** An image config as a person reads it: how the image runs, and how it came to be. OCI image-spec, config.md. */
import { isObject } from '../support/is-object.ts';

/** How a container of the image runs; absent is what the image does not say. */
export interface RunConfig {
  user?: string;
  exposedPorts?: string[];
  /** `NAME=value` */
  env?: string[];
  entrypoint?: string[];
  cmd?: string[];
  volumes?: string[];
  workingDir?: string;
  labels?: Record<string, string>;
  stopSignal?: string;
}

export interface HistoryEntry {
  created?: string;
  createdBy?: string;
  comment?: string;
  /** It made no layer. */
  empty: boolean;
}

export interface DescribedConfig {
  created?: string;
  author?: string;
  run: RunConfig;
  history: HistoryEntry[];
}

/** Entries shown of any list: a hostile config may have a million. */
const LIST_LIMIT = 1000;

/**
 * Describe a config. Lenient, since it is only shown: a field of another type than the spec's is left out, and bytes
 * that are no JSON object describe nothing.
 */
export function describeConfig(bytes: Uint8Array): DescribedConfig {
  const json = parsed(bytes);
  const config = isObject(json.config) ? json.config : {};
  const history = Array.isArray(json.history) ? json.history.slice(0, LIST_LIMIT) : [];
  return {
    ...text('created', json.created),
    ...text('author', json.author),
    run: {
      ...text('user', config.User),
      ...list('exposedPorts', keysOf(config.ExposedPorts)),
      ...list('env', config.Env),
      ...list('entrypoint', config.Entrypoint),
      ...list('cmd', config.Cmd),
      ...list('volumes', keysOf(config.Volumes)),
      ...text('workingDir', config.WorkingDir),
      ...labels(config.Labels),
      ...text('stopSignal', config.StopSignal),
    },
    history: history.filter(isObject).map(entry => ({
      ...text('created', entry.created),
      ...text('createdBy', entry.created_by),
      ...text('comment', entry.comment),
      empty: entry.empty_layer === true,
    })),
  };
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return isObject(json) ? json : {};
  } catch {
    return {};
  }
}

function text<Key extends string>(key: Key, value: unknown): { [K in Key]?: string } {
  return typeof value === 'string' && value !== '' ? ({ [key]: value } as { [K in Key]: string }) : {};
}

function list<Key extends string>(key: Key, value: unknown): { [K in Key]?: string[] } {
  const strings = Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
  return strings.length > 0 ? ({ [key]: strings.slice(0, LIST_LIMIT) } as { [K in Key]: string[] }) : {};
}

function keysOf(value: unknown): string[] {
  return isObject(value) ? Object.keys(value).sort() : [];
}

function labels(value: unknown): { labels?: Record<string, string> } {
  if (!isObject(value)) return {};
  const entries = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return entries.length > 0 ? { labels: Object.fromEntries(entries.slice(0, LIST_LIMIT)) } : {};
}
