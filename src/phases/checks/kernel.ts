/** Does the kernel have what containers are made of? */
import { atLeast } from '../../engine/version.ts';
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

/** The hierarchies of v1 that the engine cannot do without, and those of v2. */
const REQUIRED = { 1: ['cpu', 'memory', 'devices', 'freezer'], 2: ['cpu', 'memory'] };
/** Limits that not every kernel has: pids came with 4.3. */
const WISHED = ['cpuset', 'pids'];
const CGROUP_V2_SINCE = '20.10';

export function checkKernel(input: CheckInput): Finding[] {
  return [checkVersion(input), ...checkCgroups(input), checkOverlay(input)];
}

function checkVersion({ facts: { kernel } }: CheckInput): Finding {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  const number = Number(major) * 1000 + Number(minor);
  if (number >= 3010) return ok('kernel', `kernel ${kernel}`);
  return {
    id: 'kernel',
    level: 'error',
    title: `kernel ${kernel} is too old`,
    why: 'Engines need 3.10 at least.',
    fix: 'Update the kernel, or leave this host out.',
  };
}

function checkCgroups({ facts: { cgroup }, wanted }: CheckInput): Finding[] {
  const { version, controllers } = cgroup;
  if (version === undefined || controllers.length === 0) {
    return [
      {
        id: 'cgroups',
        level: 'error',
        title: version === undefined ? 'cgroups are not mounted' : 'the cgroup tree has no controllers',
        why: 'Containers are kept apart and limited by cgroups.',
        fix: 'Check the kernel command line (cgroup_disable, systemd.unified_cgroup_hierarchy) and boot again.',
      },
    ];
  }
  const engine = wanted?.engine?.version;
  if (version === 2 && engine !== undefined && !atLeast(engine, CGROUP_V2_SINCE)) {
    return [
      {
        id: 'cgroups',
        level: 'error',
        title: `the host has cgroup v2, which engine ${engine} does not know`,
        why: `Engines from ${CGROUP_V2_SINCE} on run on cgroup v2.`,
        fix: `Carry engine ${CGROUP_V2_SINCE} or newer, or boot with systemd.unified_cgroup_hierarchy=0.`,
      },
    ];
  }
  const required = REQUIRED[version === 2 ? 2 : 1];
  const missing = required.filter(name => !controllers.includes(name));
  const wished = WISHED.filter(name => !controllers.includes(name));
  if (missing.length === 0 && wished.length === 0) return [ok('cgroups', `cgroup v${version === 2 ? 2 : 1}`)];
  return [
    {
      id: 'cgroups',
      level: missing.length > 0 ? 'error' : 'warn',
      title: `cgroup controllers are missing: ${[...missing, ...wished].join(', ')}`,
      why:
        missing.length > 0 ? 'Containers do not start without them.' : 'Limits of that kind will not work.',
      fix: 'Add cgroup_enable=memory (and the like) to the kernel command line, and boot again.',
    },
  ];
}

function checkOverlay({ facts: { overlay } }: CheckInput): Finding {
  if (overlay !== 'missing') return ok('overlay', 'the kernel has overlay');
  return {
    id: 'overlay',
    level: 'error',
    title: 'the kernel has no overlay file system',
    why: 'The storage driver overlay2 lays image layers over one another with it.',
    fix: 'Install the package with the modules of the running kernel (linux-modules-extra, kernel-modules), or update the kernel.',
  };
}
