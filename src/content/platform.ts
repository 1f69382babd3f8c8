/** Platforms: `os/architecture[/variant]`, in the names that Go and OCI use. */
import { AirferryError } from '../errors.ts';
import { closest } from '../support/suggest.ts';

export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

const ARCHITECTURES = ['amd64', 'arm64', 'arm', '386', 'ppc64le', 's390x', 'riscv64'];
const ALIASES: Record<string, string> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm/v7',
  armel: 'arm/v6',
  i386: '386',
};

/** Parse `linux/amd64`, `linux/arm/v7`, `linux/arm64/v8`. Throws PLATFORM_INVALID. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/');
  if (os === 'linux' && architecture && ARCHITECTURES.includes(architecture) && rest.length === 0) {
    if (variant === undefined || (architecture === 'arm64' && variant === 'v8')) return { os, architecture };
    if (/^v\d$/.test(variant)) return { os, architecture, variant };
  }
  const name = architecture ?? os ?? '';
  const guess = (Object.hasOwn(ALIASES, name) && ALIASES[name]) || closest(name, ARCHITECTURES);
  throw new AirferryError('PLATFORM_INVALID', `"${text}" is not a platform that airferry carries`, {
    suggestions: [
      guess
        ? `Did you mean linux/${guess}?`
        : 'Write os/architecture[/variant], for example linux/amd64 or linux/arm64.',
    ],
  });
}

export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  const said = variant && !(architecture === 'arm64' && variant === 'v8') ? `/${variant}` : '';
  return `${os}/${architecture}${said}`;
}

/** Whether content made for `offered` is the one wanted. A variant counts only where both name one. */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return false;
  return wanted.variant === undefined || offered.variant === undefined || wanted.variant === offered.variant;
}
