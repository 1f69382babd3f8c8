/** Keys of daemon.json whose texts must have a form: addresses, networks, paths, sizes, attributes. */
import { isIP } from 'node:net';
import { errorFinding, type Finding } from './finding.ts';
import { shown } from './shown.ts';

interface Form {
  keys: readonly string[];
  is: (text: string) => boolean;
  /** What it must be, with an example. */
  what: string;
}

const FORMS: readonly Form[] = [
  {
    keys: ['data-root', 'exec-root', 'graph', 'pidfile', 'userland-proxy-path'],
    is: text => text.startsWith('/'),
    what: 'an absolute path',
  },
  {
    keys: ['default-gateway', 'default-gateway-v6', 'dns', 'host-gateway-ip', 'host-gateway-ips', 'ip'],
    is: text => isIP(text) !== 0,
    what: 'an IP address, such as "10.0.0.1"',
  },
  {
    keys: ['bip6', 'fixed-cidr', 'fixed-cidr-v6'],
    is: isNetwork,
    what: 'a network with its mask, such as "10.0.0.0/24"',
  },
  {
    keys: ['default-shm-size'],
    is: text => /^\d{1,15}(?:\.\d{1,15})? ?(?:[kmgtp]i?)?b?$/i.test(text),
    what: 'a size, such as "64M"',
  },
  {
    keys: ['labels', 'node-generic-resources'],
    is: text => /^[^=]+=/.test(text),
    what: 'a name and a value, such as "site=plant-7"',
  },
];

/** Findings about texts and lists of texts whose form is wrong. Empty texts count as not given. */
export function formFindings(config: Record<string, unknown>): Finding[] {
  return FORMS.flatMap(({ keys, is, what }) =>
    keys.flatMap(key =>
      texts(config[key])
        .filter(text => text !== '' && !is(text))
        .map(text =>
          errorFinding(key, `${shown(text)} in "${key}" is not ${what.replace(/,.*/, '')}`, `Write ${what}.`),
        ),
    ),
  );
}

function isNetwork(text: string): boolean {
  const [address = '', mask = ''] = text.split('/', 2);
  const family = isIP(address);
  return family !== 0 && /^\d{1,3}$/.test(mask) && Number(mask) <= (family === 4 ? 32 : 128);
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
}
