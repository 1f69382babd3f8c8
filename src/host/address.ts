/** Where a host is reached, as operators write it: `user@addr[:port]`, `addr`, `[::1]:22`, `ssh://user@addr`. */
import { AirferryError, type ErrorCode } from '../errors.ts';

export const SSH_PORT = 22;

export interface HostAddress {
  user?: string;
  /** A name, an IPv4 or an IPv6 address (without brackets). */
  address: string;
  port: number;
}

type AddressCode = 'FLEET_INVALID' | 'SSH_CONFIG_INVALID' | 'USAGE';

const SHAPE =
  /^(?:ssh:\/\/)?(?:(?<user>[^@]*)@)?(?:\[(?<bracketed>[^\]]*)\]|(?<bare>[^[\]]*?))(?::(?<port>[^:]*))?$/;
const USER = /^[A-Za-z0-9_][A-Za-z0-9_.\\+-]{0,63}\$?$/;
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9_.-]{1,32})?$/;

/**
 * Parse an address; the port is 22 where none is given.
 * @param code FLEET_INVALID for one out of a fleet file, SSH_CONFIG_INVALID for one out of ssh's, USAGE for one from the
 *   command line.
 * @throws {AirferryError} with that code when the text is not an address.
 */
export function parseAddress(text: string, code: AddressCode = 'USAGE'): HostAddress {
  const groups = parts(text);
  if (!groups) throw invalid(code, text, 'it does not read as user@address:port');
  const { user, bracketed, bare, port } = groups;
  if (user !== undefined && !USER.test(user)) throw invalid(code, text, `"${user}" is not a user name`);
  const address = bracketed ?? bare ?? '';
  if (address === '') throw invalid(code, text, 'the address is missing');
  if (!isAddress(address, bracketed !== undefined))
    throw invalid(code, text, `"${address}" is not an address`);
  return {
    ...(user === undefined ? {} : { user }),
    address,
    port: port === undefined ? SSH_PORT : parsePort(port, text, code),
  };
}

/** Whether an address says its port, be it 22. */
export function namesPort(text: string): boolean {
  return parts(text)?.port !== undefined;
}

/** `user@addr:port`, leaving out the port when it is 22; IPv6 in brackets when a port follows. */
export function formatAddress({ user, address, port }: HostAddress): string {
  const at = user === undefined ? '' : `${user}@`;
  if (port === SSH_PORT) return `${at}${address}`;
  return `${at}${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Two colons or more and no brackets: an IPv6 address without a port. */
function parts(text: string): Partial<Record<'user' | 'bracketed' | 'bare' | 'port', string>> | undefined {
  if (text.length > 512) return undefined;
  const [, user, rest] = /^(?:ssh:\/\/)?(?:([^@]*)@)?(.*)$/.exec(text) ?? [];
  if (rest !== undefined && !rest.includes('[') && rest.split(':').length > 2) {
    return { ...(user === undefined ? {} : { user }), bracketed: rest };
  }
  return SHAPE.exec(text)?.groups;
}

function isAddress(address: string, ipv6: boolean): boolean {
  return ipv6 ? address.includes(':') && IPV6.test(address) : NAME.test(address);
}

function parsePort(port: string, text: string, code: ErrorCode): number {
  const number = /^[0-9]{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535) throw invalid(code, text, `"${port}" is not a port between 1 and 65535`);
  return number;
}

function invalid(code: ErrorCode, text: string, why: string): AirferryError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new AirferryError(code, `the host address ${JSON.stringify(shown)} is refused: ${why}`, {
    suggestions: ['Write it as ops@10.77.0.11, ops@h1.site:2222 or ops@[fd00::11]:22.'],
  });
}
