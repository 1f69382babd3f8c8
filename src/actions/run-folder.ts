/** Where runs are recorded on the operator's machine, and how a record is found again and read. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import * as z from 'zod';
import { AirferryError, systemCode } from '../errors.ts';
import { closest } from '../support/suggest.ts';

const WHEN = z.iso.datetime();

const HOST = z.object({
  name: z.string(),
  address: z.string(),
  /** `open`: the run ended, or was ended, before this host did. */
  outcome: z.enum(['open', 'changed', 'unchanged', 'failed', 'skipped']),
  phase: z.string().optional(),
  reason: z.string().optional(),
  changes: z.array(z.object({ phase: z.string(), what: z.string() })),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  durationMs: z.number().optional(),
  /** Below the run's folder; each event of the host in a line. */
  log: z.string(),
});

const RUN = z.object({
  schemaVersion: z.literal(1),
  /** `host install`. */
  command: z.string(),
  /** The words behind `airferry`. Secrets never are among them. */
  argv: z.array(z.string()),
  /** `alice@laptop`. */
  who: z.string(),
  /** Of airferry. */
  version: z.string(),
  startedAt: WHEN,
  /** Absent while it goes on, and where it was ended by force. */
  endedAt: WHEN.optional(),
  bundle: z
    .object({
      name: z.string(),
      version: z.string(),
      digest: z.string(),
      /** Absent in records of earlier builds. */
      signature: z.enum(['signed', 'untrusted', 'invalid', 'unsigned']).optional(),
    })
    .optional(),
  /** The exit status. */
  exit: z.number().optional(),
  hosts: z.array(HOST),
});

export type RunDocument = z.infer<typeof RUN>;
export type RecordedHost = RunDocument['hosts'][number];

export const RUN_FILE = 'run.json';
/** Bytes; ten thousand hosts with all their changes stay below. */
const MAX_BYTES = 64 * 1024 * 1024;

/** `$XDG_STATE_HOME/airferry/runs`, `~/.local/state/airferry/runs`. */
export function runsFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment.XDG_STATE_HOME;
  const state = base && isAbsolute(base) ? base : join(homedir(), '.local/state');
  return join(state, 'airferry/runs');
}

/** Names of all runs, the latest first. */
export function runNames(folder: string = runsFolder()): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(({ name }) => name)
      .sort()
      .reverse();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * The record of a run by its name.
 * @throws {AirferryError} FILE_NOT_FOUND when there is none, FILE_UNREADABLE when it is damaged
 */
export function readRun(name: string, folder: string = runsFolder()): RunDocument {
  const file = join(folder, name, RUN_FILE);
  if (!/^[\w.-]+$/.test(name) || name.startsWith('.')) throw noRun(name, folder);
  try {
    if (statSync(file).size > MAX_BYTES) throw damaged(file, 'it is too large');
    return RUN.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw noRun(name, folder);
    if (error instanceof AirferryError) throw error;
    throw damaged(file, error instanceof z.ZodError ? 'it is not as airferry writes it' : String(error));
  }
}

/**
 * The run that is meant: the one of that name, else the last one of a command.
 * @throws {AirferryError} FILE_NOT_FOUND, FILE_UNREADABLE; USAGE for a run of another command
 */
export function findRun(
  command: string,
  name: string | undefined,
  folder: string = runsFolder(),
): { name: string; run: RunDocument } {
  if (name !== undefined) {
    const run = readRun(name, folder);
    if (run.command === command) return { name, run };
    throw new AirferryError('USAGE', `the run ${name} is one of airferry ${run.command}`, {
      suggestions: [`Run airferry ${run.command} again, or name a run of airferry ${command}.`],
    });
  }
  const last = runNames(folder).find(candidate => candidate.endsWith(`Z-${command.replaceAll(' ', '-')}`));
  if (last === undefined) {
    throw new AirferryError('FILE_NOT_FOUND', `there is no earlier run of airferry ${command}`, {
      where: { file: folder },
      suggestions: ['Run it without --retry-failed first.'],
    });
  }
  return { name: last, run: readRun(last, folder) };
}

/** Hosts that are to be tried again: they failed, were not begun, or were never heard of to the end. */
export function unfinished({ hosts }: RunDocument): string[] {
  return hosts
    .filter(({ outcome }) => outcome === 'failed' || outcome === 'skipped' || outcome === 'open')
    .map(({ name }) => name);
}

function noRun(name: string, folder: string): AirferryError {
  const near = closest(name, runNames(folder));
  return new AirferryError('FILE_NOT_FOUND', `there is no run ${name}`, {
    where: { file: folder },
    suggestions: [near ? `Did you mean ${near}?` : 'See the runs with: airferry run list'],
  });
}

function damaged(file: string, why: string): AirferryError {
  return new AirferryError('FILE_UNREADABLE', `the record of a run cannot be read: ${why}`, {
    where: { file },
    suggestions: ['Name the hosts with --host, or another run with --run.'],
  });
}
