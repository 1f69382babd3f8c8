/** The registry of the isolated side, as the fleet names it. */
import { isIP } from 'node:net';
import type { FleetShape } from './fleet-schema.ts';
import { absolutePath } from './paths.ts';
import { type Position, printable } from './problem.ts';
import type { Report } from './report.ts';

export interface FleetRegistry {
  /** `host` or `host:port`, as it stands in front of image names. */
  address: string;
  /** For a line in /etc/hosts. */
  ip?: string;
  /** Absolute path of its CA certificate. */
  ca?: string;
  /** Spoken to in plain HTTP. */
  insecure: boolean;
  at: Position;
}

const ADDRESS = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/;

/** The registry with its CA as an absolute path; an address that is none, or contradictions, are reported. */
export function fleetRegistry(
  shape: NonNullable<FleetShape['registry']>,
  file: string,
  home: string,
  report: Report,
): FleetRegistry {
  const { address, ip, ca, insecure = false } = shape;
  checkAddress(address, report);
  if (ip !== undefined && isIP(ip) === 0)
    report.add(
      ['registry', 'ip'],
      `\`registry.ip\` must be an IP address, e.g. 172.11.1.107, not ${printable(ip)}`,
    );
  if (ca !== undefined && insecure)
    report.add(
      ['registry', 'insecure'],
      '`registry.insecure` and `registry.ca` exclude each other: plain HTTP has no certificates',
      'key',
      'Take one of them out.',
    );
  return {
    address,
    ip,
    ca: ca === undefined ? undefined : absolutePath(ca, ['registry', 'ca'], file, home, report),
    insecure,
    at: report.at(['registry'], 'key'),
  };
}

function checkAddress(address: string, report: Report): void {
  const match = ADDRESS.exec(address);
  const port = Number(match?.[1] ?? 443);
  if (match !== null && port >= 1 && port <= 65535) return;
  const bare = address.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '');
  const hints = bare !== address && ADDRESS.test(bare) ? [`Write \`address: ${printable(bare)}\`.`] : [];
  if (/^http:/i.test(address)) hints.push('For plain HTTP, add `insecure: true`.');
  report.add(
    ['registry', 'address'],
    '`registry.address` must be host or host:port, without http:// and without a path',
    'value',
    ...hints,
  );
}
