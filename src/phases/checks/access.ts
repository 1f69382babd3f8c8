/** Can we become root? */
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

const HOW = {
  root: 'logged in as root',
  sudo: 'root by sudo, without a password',
  'sudo-password': 'root by sudo, with a password',
} as const;

export function checkAccess({ facts }: CheckInput): Finding[] {
  const { privilege } = facts;
  if (privilege.how !== 'none') return [ok('root', HOW[privilege.how])];
  return [
    {
      id: 'root',
      level: 'error',
      title: privilege.problem.message,
      why: 'Installing an engine takes root.',
      fix: privilege.problem.suggestions.join(' '),
    },
  ];
}
