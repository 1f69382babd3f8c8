/** Whether a Host or Match block of ssh_config(5) is for a host. */
import { matchesGlob } from '../../support/glob.ts';
import type { Directive, Mistake } from './parse.ts';

/** What is known of a host while its settings are gathered. */
export interface Subject {
  /** As the operator named it. */
  readonly original: string;
  /** With the HostName found so far. */
  host: string;
  user: string;
  readonly localUser: string;
}

/** `Host` patterns: one matches, and none of those behind a `!`. */
export function matchesHostLine(patterns: readonly string[], host: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!matchesGlob(negated ? pattern.slice(1) : pattern, host)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** Criteria that are asked of things that airferry does not do, or has no equal of. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  'exec',
  'canonical',
  'final',
  'localnetwork',
  'tagged',
  'version',
  'command',
  'sessiontype',
]);

/**
 * Whether a `Match` line is for a subject. A criterion that airferry does not follow, above all `exec`, makes it match
 * nobody, and `told` hears of it: no command of a configuration file is ever run.
 */
export function matchesMatchLine(
  { args, file, line }: Directive,
  subject: Subject,
  told: (mistake: Mistake) => void,
): boolean {
  let matched = true;
  for (let at = 0; at < args.length; ) {
    const [word = '', joined] = split(args[at++] ?? '');
    const negated = word.startsWith('!');
    const criterion = (negated ? word.slice(1) : word).toLowerCase();
    if (criterion === 'all') continue;
    if (UNSUPPORTED.has(criterion)) {
      told({ file, line, message: `Match ${criterion} is not followed: its lines are passed over` });
      return false;
    }
    const list = joined ?? args[at++];
    if (list === undefined) {
      told({ file, line, message: `Match ${criterion} lacks what it is to match` });
      return false;
    }
    const value = valueFor(criterion, subject);
    if (value === undefined) {
      told({ file, line, message: `Match ${criterion} is not known: its lines are passed over` });
      return false;
    }
    const fold = criterion === 'host' || criterion === 'originalhost';
    const patterns = (fold ? list.toLowerCase() : list).split(',');
    if (matchesHostLine(patterns, value) === negated) matched = false;
  }
  return matched;
}

function split(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

function valueFor(criterion: string, subject: Subject): string | undefined {
  switch (criterion) {
    case 'host':
      return subject.host;
    case 'originalhost':
      return subject.original;
    case 'user':
      return subject.user;
    case 'localuser':
      return subject.localUser;
    default:
      return undefined;
  }
}
