/** Memory, swap and limits of the kernel that a host with many containers runs into. */
import { formatBytes } from '../../support/format.ts';
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

/** Bytes below which an engine with a few containers is short of memory. */
const LITTLE_MEMORY = 1_000_000_000;

interface Limit {
  /** Under /proc/sys. */
  name: string;
  least: number;
  why: string;
}

const LIMITS: readonly Limit[] = [
  {
    name: 'fs/file-max',
    least: 100_000,
    why: 'It is the number of files that all processes together may have open; each container opens dozens.',
  },
  {
    name: 'fs/nr_open',
    least: 65_536,
    why: 'It is the most that a ulimit -n can be, and so the number of files that one process of a container may have open.',
  },
  {
    name: 'kernel/keys/root_maxkeys',
    least: 10_000,
    why: 'Each container takes a key; when they run out, none can be started ("disk quota exceeded").',
  },
  {
    name: 'kernel/pid_max',
    least: 16_384,
    why: 'All threads of all containers share these numbers.',
  },
];

export function checkLimits({ facts: { memory, limits } }: CheckInput): Finding[] {
  const low = LIMITS.filter(({ name, least }) => (limits[name] ?? Infinity) < least);
  const findings = low.map(
    ({ name, least, why }): Finding => ({
      id: `limit-${name.replaceAll('/', '.')}`,
      level: 'warn',
      title: `${name.replaceAll('/', '.')} is ${limits[name]}`,
      why,
      fix: `Raise it to ${least} at least: sysctl -w ${name.replaceAll('/', '.')}=${least * 10}, and a file in /etc/sysctl.d.`,
    }),
  );
  return [checkMemory(memory), ...findings];
}

function checkMemory({ total, swap }: CheckInput['facts']['memory']): Finding {
  const title = `${formatBytes(total)} of memory, ${swap > 0 ? `${formatBytes(swap)} of swap` : 'no swap'}`;
  if (total === 0 || total >= LITTLE_MEMORY) return ok('memory', title);
  return {
    id: 'memory',
    level: 'warn',
    title,
    why: 'The engine takes about 200 MB for itself, and more while it loads images.',
    fix: 'Give the host more memory, or some swap.',
  };
}
