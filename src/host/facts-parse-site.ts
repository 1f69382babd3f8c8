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

/** What every host with IPv6 has on each of its devices, and what is meant for groups of hosts. */
const LINK_LOCAL_OR_MULTICAST = /^(?:fe[89ab]|ff)/;
/** Flags of addresses of the host itself: RTF_LOCAL, RTF_ANYCAST. */
const OWN = 0x80100000;

/** /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric, …, flags, device; all in hex. */
export function parseRoutes6(lines: readonly string[]): Route[] {
  const routes = lines.flatMap((line): Route[] => {
    const [, to = '', bits = '', flags = '', device = ''] =
      /^([\da-f]{32}) ([\da-f]{2}) [\da-f]{32} [\da-f]{2} [\da-f]{32} [\da-f]{8} [\da-f]{8} [\da-f]{8} ([\da-f]{8}) +(\S+)$/.exec(
        line.trim(),
      ) ?? [];
    const length = Number.parseInt(bits, 16);
    const own = (Number.parseInt(flags, 16) & OWN) !== 0;
    if (!(length > 0 && length <= 128) || own) return [];
    if (NOT_OUTSIDE.test(device) || LINK_LOCAL_OR_MULTICAST.test(to)) return [];
    const groups = to.match(/.{4}/g) ?? [];
    // The one that Node has for it writes an address in its shortest form.
    const { hostname } = new URL(`http://[${groups.join(':')}]/`);
    return [{ network: `${hostname.slice(1, -1)}/${length}`, device }];
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
