/** `run list` and `run show`: the records that runs left with the operator. */
import { join } from 'node:path';
import { AirferryError, isAirferryError } from '../errors.ts';
import { type RunDocument, readRun, runNames, runsFolder } from './run-folder.ts';

export interface RunSummary {
  name: string;
  command: string;
  who: string;
  startedAt: string;
  /** How many hosts ended in which way. */
  outcomes: Partial<Record<RunDocument['hosts'][number]['outcome'], number>>;
}

export interface RunList {
  folder: string;
  /** The latest first. */
  runs: RunSummary[];
  /** Folders whose record cannot be read. */
  damaged: string[];
}

export interface ShownRun extends RunDocument {
  name: string;
  folder: string;
}

/** All runs of which there is a record. */
export function runSummaries(folder: string = runsFolder()): RunList {
  const list: RunList = { folder, runs: [], damaged: [] };
  for (const name of runNames(folder)) {
    try {
      const { command, who, startedAt, hosts } = readRun(name, folder);
      const outcomes: RunSummary['outcomes'] = {};
      for (const { outcome } of hosts) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      list.runs.push({ name, command, who, startedAt, outcomes });
    } catch (error) {
      if (!isAirferryError(error)) throw error;
      list.damaged.push(name);
    }
  }
  return list;
}

/**
 * One run; without a name, the last.
 * @throws {AirferryError} FILE_NOT_FOUND, FILE_UNREADABLE
 */
export function showRun(name: string | undefined, folder: string = runsFolder()): ShownRun {
  const meant = name ?? runNames(folder)[0];
  if (meant === undefined) {
    throw new AirferryError('FILE_NOT_FOUND', 'no run has been recorded yet', { where: { file: folder } });
  }
  return { name: meant, folder: join(folder, meant), ...readRun(meant, folder) };
}
