/** Are the kernel's modules loaded that engines use, or can they be? */
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

/** Modules that can be loaded and are not: those that `load-modules` would load. */
export function modulesToLoad({ facts: { modules } }: Pick<CheckInput, 'facts'>): string[] {
  return modules.filter(({ loaded }) => !loaded).map(({ name }) => name);
}

export function checkModules(input: CheckInput): Finding[] {
  const idle = modulesToLoad(input);
  if (idle.length === 0) return [ok('modules', 'the modules of the kernel are loaded, or built in')];
  return [
    {
      id: 'modules',
      level: 'info',
      title: `not loaded yet: ${idle.join(', ')}`,
      why: 'The engine loads them when it starts, unless modules are locked by then.',
      fix: `modprobe -a ${idle.join(' ')}`,
      fixable: true,
    },
  ];
}
