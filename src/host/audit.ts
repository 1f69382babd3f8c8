/** Who did what to a host, and when: one JSON line for each action in `/var/log/airferry/audit.jsonl` there. */
import { hostname } from 'node:os';
import { posix } from 'node:path';
import { LAYOUT } from './layout.ts';
import { quote } from './quote.ts';
import type { Shell } from './shell.ts';
import { localUser } from './target.ts';

/** A file that was written or taken away. */
export interface AuditedFile {
  path: string;
  /** `sha256:…`, `link to …`, `absent` … */
  before: string;
  after: string;
}

export interface AuditAction {
  /** Command or phase: `install`, `switch_release`. */
  phase: string;
  /** What was done, in words. */
  action: string;
  result: 'changed' | 'unchanged' | 'failed' | 'undone';
  /** Digest of the bundle that it was done from. */
  bundle?: string;
  /** What became of which files. */
  files?: AuditedFile[];
  /** The error's code and message; no secret is in one. */
  error?: { code: string; message: string };
}

export interface AuditOptions {
  /** Default that of the layout. */
  path?: string;
  /** Default true. */
  root?: boolean;
}

/** Characters of a line: well below what one write may be without being torn. */
const MAX_LINE = 16_384;
/** Files of a line that would be longer. */
const MOST_FILES = 20;
/** Milliseconds. */
const TIMEOUT_MS = 60_000;

/** `alice@laptop`: the operator, as logs name them. */
export function operator(): string {
  return `${localUser()}@${hostname()}`;
}

/** One line, newline included. */
export function formatAudit(action: AuditAction, now: Date = new Date(), who: string = operator()): string {
  const line = (record: AuditAction): string =>
    `${JSON.stringify({ when: now.toISOString(), who, ...record })}\n`;
  const full = line(action);
  if (full.length <= MAX_LINE) return full;
  const cut = (text: string): string => text.slice(0, 2_000);
  const { error } = action;
  return line({
    ...action,
    action: cut(action.action),
    ...(action.files ? { files: action.files.slice(0, MOST_FILES) } : {}),
    ...(error ? { error: { code: error.code, message: cut(error.message) } } : {}),
  });
}

/**
 * Append actions to the host's audit log, in one write.
 * @throws {AirferryError} HOST_COMMAND_FAILED, HOST_DISK_FULL and what a connection throws
 */
export async function audit(
  shell: Shell,
  actions: readonly AuditAction[],
  { path = LAYOUT.audit, root = true }: AuditOptions = {},
): Promise<void> {
  if (actions.length === 0) return;
  const script = `set -e
mkdir -p -- ${quote(posix.dirname(path))}
if [ ! -e ${quote(path)} ]; then (umask 027; : >> ${quote(path)}); fi
cat >> ${quote(path)}`;
  await shell.run(script, {
    root,
    stdin: actions.map(action => formatAudit(action)).join(''),
    title: `append to ${path}`,
    timeoutMs: TIMEOUT_MS,
  });
}
