/** Was the kernel built with what containers need? Upstream's list (contrib/check-config.sh), asked of its configuration. */
import { KERNEL_OPTIONS, type KernelOption } from '../../host/kernel-options.ts';
import { plural } from '../../support/format.ts';
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

export function checkKernelConfig({ facts: { kernelConfig, kernel, cgroup } }: CheckInput): Finding[] {
  if (!kernelConfig) {
    return [
      {
        id: 'kernel-config',
        level: 'info',
        title: 'the configuration of the kernel cannot be read',
        why: 'What it was built with is then only seen when something does not work.',
        fix: 'Where it matters: modprobe configs makes /proc/config.gz appear on some kernels.',
      },
    ];
  }
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  const version = Number(major) * 1000 + Number(minor);
  const hierarchy = cgroup.version === 2 ? 2 : 1;
  const missing = KERNEL_OPTIONS.filter(
    ({ name, from = 0, to = Infinity, cgroup: only = hierarchy }) =>
      version >= from && version <= to && only === hierarchy && !kernelConfig.enabled.includes(name),
  );
  const of = (need: KernelOption['need']): string[] =>
    missing.filter(option => option.need === need).map(({ name }) => `CONFIG_${name}`);
  const [vital, needed] = [of('vital'), of('needed')];
  const found = [...lacking('error', vital), ...lacking('warn', needed), ...optional(missing)];
  if (vital.length > 0 || needed.length > 0) return found;
  return [
    ok('kernel-config', `the kernel was built with what containers need (${kernelConfig.file})`),
    ...found,
  ];
}

function lacking(level: 'error' | 'warn', names: string[]): Finding[] {
  if (names.length === 0) return [];
  return [
    {
      id: level === 'error' ? 'kernel-config-vital' : 'kernel-config-needed',
      level,
      title: `the kernel was built without ${names.join(', ')}`,
      why:
        level === 'error'
          ? 'No container runs without it.'
          : 'Docker counts it among what is generally necessary.',
      fix: "Use the distribution's standard kernel, or one that was built with it.",
    },
  ];
}

/** What is lacking in all, in one finding: most sites need none of it. */
function optional(missing: readonly KernelOption[]): Finding[] {
  const groups = Map.groupBy(missing, ({ need }) => (typeof need === 'object' ? need.without : ''));
  groups.delete('');
  if (groups.size === 0) return [];
  const lines = [...groups].map(
    ([without, options]) => `${without} (${options.map(({ name }) => `CONFIG_${name}`).join(', ')})`,
  );
  return [
    {
      id: 'kernel-config-optional',
      level: 'info',
      title: `the kernel lacks ${plural(groups.size, 'optional feature')}`,
      why: `Not to be had on this host: ${lines.join('; ')}.`,
      fix: 'Nothing needs to be done unless one of them is wanted.',
    },
  ];
}
