/** Flags of the commands that change many hosts: how far to go at once, when to stop, and what to try again. */
import * as Flags from '@oclif/core/flags';
import { parseShare, type Waves } from '../actions/waves.ts';

export const waveFlags = {
  canary: Flags.integer({
    summary: 'So many hosts go first; the others only if all of these succeed.',
    helpValue: 'N',
    min: 1,
    helpGroup: 'WAVES',
  }),
  batch: Flags.string({
    summary: 'So many hosts, or such a part of them, go together; the next ones wait for them.',
    helpValue: 'N|P%',
    helpGroup: 'WAVES',
  }),
  'max-failures': Flags.string({
    summary: 'Begin no further host once more than this have failed. Without it the others go on.',
    helpValue: 'N|P%',
    helpGroup: 'WAVES',
  }),
  'retry-failed': Flags.boolean({
    summary: 'Only the hosts that the last run left failed or not begun.',
    helpGroup: 'WAVES',
  }),
  run: Flags.string({
    summary: 'The run that --retry-failed means, by its name; see `airferry run list`.',
    helpValue: 'RUN',
    dependsOn: ['retry-failed'],
    helpGroup: 'WAVES',
  }),
};

/** Of the commands that lock hosts. */
export const lockFlag = {
  'break-lock': Flags.boolean({
    summary: 'Take the lock of a host away from whoever holds it. Only if that run is certainly over.',
  }),
};

/** The parsed `waveFlags`. */
export interface WaveFlags {
  canary?: number;
  batch?: string;
  'max-failures'?: string;
  'retry-failed'?: boolean;
  run?: string;
  'break-lock'?: boolean;
}

/** Throws USAGE for a share that is none. */
export function wavesOf(flags: WaveFlags): Waves {
  const { canary, batch, 'max-failures': most } = flags;
  return {
    ...(canary === undefined ? {} : { canary }),
    ...(batch === undefined ? {} : { batch: parseShare(batch, '--batch') }),
    ...(most === undefined ? {} : { maxFailures: parseShare(most, '--max-failures') }),
  };
}
