/**
 * What an action on hosts leaves with the operator: a folder with `run.json` (who, when, from what, and how each host
 * fared) and one log for each host. All of it is for the operator's eyes alone. It is written as things happen, so what
 * was ended by force has a record too.
 */
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AirferryError } from '../errors.ts';
import { formatAddress } from '../host/address.ts';
import { operator } from '../host/audit.ts';
import { formatBytes, formatDuration } from '../support/format.ts';
import type { SiteFleet } from './fleet.ts';
import type { HostEvent } from './host-events.ts';
import type { HostResult, HostsResult } from './host-results.ts';
import { type RecordedHost, RUN_FILE, type RunDocument, runsFolder } from './run-folder.ts';

export interface RunStart {
  /** `host install`. */
  command: string;
  /** The words behind `airferry`; no secret may be among them. */
  argv: readonly string[];
  /** Of airferry. */
  version: string;
  fleet: SiteFleet;
  /** Default `runsFolder()`. */
  folder?: string;
  /** Told once, when the record cannot be kept, or no longer; the run goes on. */
  onTrouble: (message: string) => void;
}

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Milliseconds between lines about the progress of one phase. */
const PROGRESS_MS = 5_000;
/** Characters of a host's name in that of its log. */
const MAX_NAME = 150;

export class RunRecord {
  /** Name of its folder: `2026-11-21T02-00-00.000Z-host-install`. */
  readonly name: string;
  readonly folder: string;
  readonly #document: RunDocument;
  readonly #logs: Map<string, string>;
  readonly #progress = new Map<string, number>();
  readonly #onTrouble: RunStart['onTrouble'];
  #begun = false;
  #broken = false;

  /** Nothing is written before the first event: a run that never came to a host leaves no record. */
  constructor(start: RunStart) {
    const { command, argv, version, fleet, folder = runsFolder(), onTrouble } = start;
    const startedAt = new Date().toISOString();
    const names = fleet.members.map(({ target }) => target.name);
    const hosts = fleet.members.map(
      ({ target }, i): RecordedHost => ({
        name: target.name,
        address: formatAddress(target),
        outcome: 'open',
        changes: [],
        log: logName(target.name, i, names),
      }),
    );
    this.name = `${startedAt.replaceAll(':', '-')}-${command.replaceAll(' ', '-')}`;
    this.folder = join(folder, this.name);
    this.#document = {
      schemaVersion: 1,
      ...{ command, argv: [...argv], who: operator(), version, startedAt, hosts },
    };
    this.#logs = new Map(hosts.map(host => [host.name, join(this.folder, host.log)]));
    this.#onTrouble = onTrouble;
  }

  /** Whether there is a record, and it is complete so far. */
  get kept(): boolean {
    return this.#begun && !this.#broken;
  }

  /** Put an event into its host's log. */
  onEvent(event: HostEvent): void {
    const path = this.#logs.get(event.host);
    if (path === undefined || this.#broken) return;
    const now = Date.now();
    if (event.kind === 'phase-progress') {
      if (now - (this.#progress.get(event.host) ?? 0) < PROGRESS_MS) return;
      this.#progress.set(event.host, now);
    }
    const when = new Date(now).toISOString();
    const lines = describe(event).map(text => `${when} ${text.replaceAll('\n', '\n    ')}\n`);
    if (!this.#begun) this.#keep(() => this.#begin());
    this.#keep(() => appendFileSync(path, lines.join(''), { mode: PRIVATE_FILE }));
  }

  /** Write down how it ended. */
  finish({ hosts, bundle }: Pick<HostsResult, 'hosts' | 'bundle'>, error: AirferryError | undefined): void {
    if (!this.#begun) return;
    const results = new Map(hosts.map(host => [host.name, host]));
    const document: RunDocument = {
      ...this.#document,
      endedAt: new Date().toISOString(),
      exit: error?.exit ?? 0,
      ...(bundle ? { bundle } : {}),
      hosts: this.#document.hosts.map(host => recorded(host, results.get(host.name))),
    };
    this.#keep(() => this.#write(document));
  }

  #begin(): void {
    mkdirSync(dirname(this.folder), { recursive: true, mode: PRIVATE_FOLDER });
    mkdirSync(this.folder, { mode: PRIVATE_FOLDER });
    this.#begun = true;
    this.#write();
  }

  #write(document: RunDocument = this.#document): void {
    const file = join(this.folder, RUN_FILE);
    writeFileSync(`${file}.part`, `${JSON.stringify(document, null, 2)}\n`, { mode: PRIVATE_FILE });
    renameSync(`${file}.part`, file);
  }

  #keep(write: () => void): void {
    if (this.#broken) return;
    try {
      write();
    } catch (error) {
      this.#broken = true;
      const what = this.#begun ? 'the record of this run is not complete' : 'no record is kept of this run';
      this.#onTrouble(`${what}: ${(error as Error).message}`);
    }
  }
}

function recorded(host: RecordedHost, result: HostResult | undefined): RecordedHost {
  if (!result) return host;
  const { outcome, changes, phase, reason, error, durationMs } = result;
  return {
    ...host,
    outcome,
    changes,
    durationMs,
    ...(phase ? { phase } : {}),
    ...(reason ? { reason } : {}),
    ...(error ? { error: { code: error.code, message: error.message } } : {}),
  };
}

/** A file name that no other host of the run has, whatever this one is called. */
function logName(name: string, index: number, all: readonly string[]): string {
  const safe = (text: string): string =>
    text
      .replaceAll(/[^\w.-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, MAX_NAME);
  const taken = all.some((other, i) => i !== index && safe(other).toLowerCase() === safe(name).toLowerCase());
  return `${safe(name)}${taken ? `-${index + 1}` : ''}.log`;
}

/** An event as lines of a log. */
function describe(event: HostEvent): string[] {
  const took = 'durationMs' in event ? ` (${formatDuration(event.durationMs)})` : '';
  switch (event.kind) {
    case 'phase-start':
      return [`${event.phase}: begins`];
    case 'phase-progress':
      return [`${event.phase}: ${formatBytes(event.done)} of ${formatBytes(event.total)}`];
    case 'phase-note':
      return [`${event.phase}: ${event.text}`];
    case 'phase-diff':
      return event.diff.split('\n').map(line => `${event.phase}: ${line}`);
    case 'phase-done':
      return [...event.changed.map(what => `${event.phase}: ${what}`), `${event.phase}: done${took}`];
    case 'phase-skipped':
      return [`${event.phase}: nothing to do`];
    case 'phase-failed':
      return [`${event.phase}: failed${took}: ${event.error.code}: ${event.error.message}`];
    case 'host-done':
      return [`${event.outcome}${took}`];
    case 'host-skipped':
      return [`not begun: ${event.reason}`];
    case 'host-failed':
      return [`failed at ${event.phase}${took}: ${event.error.code}`];
  }
}
