/** Can the folders be written to that an install needs? Some sites mount /usr read-only. */
import type { Finding } from '../finding.ts';
import type { CheckInput } from './input.ts';

export function checkWritable({ survey, wanted }: CheckInput): Finding[] {
  return (survey?.readOnly ?? []).map(folder => ({
    id: `read-only-${folder}`,
    level: wanted?.engine ? 'error' : 'warn',
    title: `${folder} is on a file system that is mounted read-only`,
    why: 'Programs, links and units go there, and a change that stops half-way is worse than none.',
    fix: `Remount it for the time of the install (findmnt -T ${folder}; mount -o remount,rw …), or look into dmesg if nobody meant it to be so.`,
  }));
}
