/** Further facts out of what `factsScript` printed: network, names, kernel. Pure; what makes no sense is left out. */
import { isIP } from 'node:net';
import type { HostFacts, KernelConfig, Route } from './host-facts.ts';

/** Devices that belong to engines and to the host alone. */
const NOT_OUTSIDE = /^(?:lo|docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth.*|cni.*|podman\d+|virbr\d+)$/;

/** The lines of resolv.conf. */
export function parseDns(lines: readonly string[], upstream: boolean): HostFacts['dns'] {
  const servers = lines.flatMap(line => {
    const server = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    return server !== undefined && isIP(server.replace(/%.*$/, '')) !== 0 ? [server] : [];
  });
  return { servers, upstream };
}

/** /proc/net/route: device, destination, gateway, flags, …, mask; addresses in hex, in the machine's byte order. */
export function parseRoutes(lines: readonly string[], bigEndian: boolean): Route[] {
  const routes = lines.flatMap((line): Route[] => {
    const [device = '', destination = '', , , , , , mask = ''] = line.trim().split(/\s+/);
    const [to, bits] = [address(destination, bigEndian), address(mask, bigEndian)];
    if (to === undefined || bits === undefined || NOT_OUTSIDE.test(device)) return [];
    const length = bits.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    return length === 0 ? [] : [{ network: `${to.join('.')}/${length}`, device }];
  });
  return [...new Map(routes.map(route => [route.network, route])).values()];
}

function address(hex: string, bigEndian: boolean): number[] | undefined {
  if (!/^[0-9A-F]{8}$/.test(hex)) return undefined;
  const bytes = [...Buffer.from(hex, 'hex')];
  return bigEndian ? bytes : bytes.reverse();
}

/** `CONFIG_VETH=m` lines. A file of which nothing was read tells nothing. */
export function parseKernelConfig(file: string, lines: readonly string[]): KernelConfig | undefined {
  const enabled = lines.flatMap(line => /^CONFIG_(\w+)=[ym]$/.exec(line)?.[1] ?? []);
  return file === '' || enabled.length === 0 ? undefined : { file, enabled };
}

export function parseModules(lines: readonly string[]): HostFacts['modules'] {
  return lines.flatMap(line => {
    const [, name, how] = /^(\w+) (loaded|loadable)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, loaded: how === 'loaded' }];
  });
}

/** `fs/file-max 9223372036854775807`: what is more than a number holds is as good as the largest. */
export function parseLimits(lines: readonly string[]): HostFacts['limits'] {
  const limits: HostFacts['limits'] = {};
  for (const line of lines) {
    const [, name, value] = /^([a-z_/-]+) (\d{1,20})$/.exec(line) ?? [];
    if (name !== undefined) limits[name] = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
  }
  return limits;
}
