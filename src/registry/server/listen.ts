/** Where the registry listens, and whether it may do so without TLS. */
import { isIP } from 'node:net';
import { AirferryError } from '../../errors.ts';

export interface ListenAddress {
  /** A name or an IP address, without brackets. */
  host: string;
  /** 0 for one that is free. */
  port: number;
}

/** Read `HOST:PORT`, `[::1]:5000`, `:5000` (all addresses of the machine). Throws USAGE. */
export function parseListen(text: string): ListenAddress {
  const [, bracketed, plain = '', digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain;
  const isHost = bracketed === undefined ? /^[A-Za-z0-9.-]*$/.test(plain) : isIP(bracketed) === 6;
  if (digits !== '' && port <= 65535 && isHost) return { host: host === '' ? '0.0.0.0' : host, port };
  throw new AirferryError('USAGE', `"${text}" is not an address to listen on`, {
    suggestions: ['Write HOST:PORT, for example 127.0.0.1:5000 or 0.0.0.0:5000; port 0 takes a free one.'],
  });
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost';
}

/** `127.0.0.1:5000`, `[::1]:5000`. */
export function formatAddress({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** Plain HTTP is for this machine alone, unless the operator says otherwise. Throws USAGE. */
export function refusePlain({ host, port }: ListenAddress): void {
  if (isLoopback(host)) return;
  const address = formatAddress({ host, port });
  throw new AirferryError(
    'USAGE',
    `${address} can be reached from other machines, and would speak plain HTTP`,
    {
      suggestions: [
        'Give a certificate: --tls-cert FILE --tls-key FILE.',
        'Or say --plain-http where the network is trusted; add --htpasswd FILE to ask for a password.',
      ],
    },
  );
}

/** The error for an address that cannot be had. */
export function cannotListen(address: ListenAddress, cause: unknown): AirferryError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const [why, suggestion] = REASONS[code] ?? [code];
  return new AirferryError('SERVE_FAILED', `cannot listen on ${formatAddress(address)}: ${why}`, {
    cause,
    suggestions: suggestion === undefined ? [] : [suggestion],
  });
}

const REASONS: Record<string, [why: string, suggestion: string]> = {
  EADDRINUSE: [
    'another program has that port',
    'Choose another one with --listen HOST:PORT; port 0 takes a free one. `ss -ltnp` tells who has it.',
  ],
  EACCES: [
    'permission denied',
    'Ports below 1024 are for root; choose a higher one with --listen HOST:PORT.',
  ],
  EADDRNOTAVAIL: ['this machine has no such address', '`ip address` tells which ones it has.'],
  ENOTFOUND: ['there is no such name', 'Give an IP address of this machine.'],
};
