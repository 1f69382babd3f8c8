/** Is the bundle made for this machine? */
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

export function checkPlatform({ facts, platforms }: CheckInput): Finding[] {
  const { machine, platform, os } = facts;
  const title = `${platform ?? machine}, ${os.prettyName}`;
  if (platform === undefined) {
    return [
      {
        id: 'platform',
        level: 'error',
        title: `the machine type ${machine} has no Docker engine`,
        why: 'Engines are built for x86_64, aarch64, armv7l, armv6l, ppc64le and s390x.',
        fix: 'Leave this host out.',
      },
    ];
  }
  if (platforms === undefined || platforms.includes(platform)) return [ok('platform', title)];
  return [
    {
      id: 'platform',
      level: 'error',
      title: `the host is ${platform}, the bundle is for ${platforms.join(', ')}`,
      why: 'Its programs cannot run here.',
      fix: `Pack a bundle with platforms: [${[...platforms, platform].join(', ')}], or leave this host out.`,
    },
  ];
}
