/**
 * The keys of daemon.json: their types, the engines that know them (an unknown key keeps dockerd from starting), and
 * which of them a running engine takes over on SIGHUP. From moby's daemon/config, releases 18.03 to 29, and checked
 * against the daemons 20.10.24 and 26.1.5 themselves. dockerd takes a key only if it has a flag of that name: so
 * `resolv-conf`, `default-init`, `containerd-plugin-namespace` and `swarm-raft-*-tick`, though in its source, keep it
 * from starting and are not here. `deprecated-key-path` is passed over even by 26, which makes no use of it.
 */
import type { VersionRange } from './version.ts';

export type DaemonKeyType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'strings'
  | 'string-map'
  | 'boolean-map'
  | 'object'
  | 'object-map'
  | 'objects';

export interface DaemonKey extends VersionRange {
  type: DaemonKeyType;
  /** Taken over on reload, without a restart. */
  reloadable: boolean;
  /** The only values, where dockerd takes no others. */
  values?: readonly string[];
}

const RELOADABLE = new Set(
  (
    'authorization-plugins debug default-runtime features insecure-registries labels live-restore ' +
    'max-concurrent-downloads max-concurrent-uploads registry-mirrors runtimes shutdown-timeout'
  ).split(' '),
);

const VALUES: Record<string, readonly string[]> = {
  'default-cgroupns-mode': ['host', 'private'],
  'default-ipc-mode': ['private', 'shareable'],
  'firewall-backend': ['iptables', 'nftables'],
  'log-format': ['text', 'json'],
  'log-level': ['debug', 'info', 'warn', 'error', 'fatal'],
};

/** Keys of every engine from 18.03 to the newest, unless RANGES says otherwise. */
const TYPES: Record<DaemonKeyType, string> = {
  string:
    'api-cors-header bip bip6 bridge bridge-accept-fwmark cgroup-parent cluster-advertise cluster-store containerd ' +
    'containerd-namespace data-root default-cgroupns-mode default-gateway ' +
    'default-gateway-v6 default-ipc-mode default-runtime default-shm-size deprecated-key-path exec-root ' +
    'firewall-backend fixed-cidr fixed-cidr-v6 graph group host-gateway-ip init-path ip log-driver log-format ' +
    'log-level metrics-addr min-api-version pidfile seccomp-profile storage-driver ' +
    'swarm-default-advertise-addr tlscacert tlscert tlskey userland-proxy-path userns-remap',
  boolean:
    'allow-direct-routing cri-containerd debug experimental icc init ip-forward ip-forward-no-drop ' +
    'ip-masq ip6tables iptables ipv6 live-restore no-new-privileges raw-logs selinux-enabled tls tlsverify ' +
    'userland-proxy',
  integer:
    'cpu-rt-period cpu-rt-runtime default-stop-timeout max-concurrent-downloads max-concurrent-uploads ' +
    'max-download-attempts mtu network-control-plane-mtu network-diagnostic-port oom-score-adjust shutdown-timeout',
  strings:
    'allow-nondistributable-artifacts authorization-plugins cdi-spec-dirs dns dns-opts dns-search exec-opts ' +
    'host-gateway-ips hosts insecure-registries labels node-generic-resources registry-mirrors storage-opts',
  'string-map': 'cluster-store-opts log-opts proxies',
  'boolean-map': 'features',
  object: 'builder nri-opts',
  'object-map': 'default-network-opts default-ulimits runtimes',
  objects: 'default-address-pools',
};

const RANGES: Record<string, Partial<VersionRange>> = {
  'default-address-pools': { from: '18.06' },
  builder: { from: '18.09' },
  features: { from: '18.09' },
  'containerd-namespace': { from: '19.03' },
  'default-cgroupns-mode': { from: '20.10' },
  'host-gateway-ip': { from: '20.10' },
  ip6tables: { from: '20.10' },
  'max-download-attempts': { from: '20.10' },
  proxies: { from: '23' },
  'default-network-opts': { from: '24' },
  'cdi-spec-dirs': { from: '25' },
  'log-format': { from: '25' },
  'allow-direct-routing': { from: '28' },
  bip6: { from: '28' },
  'host-gateway-ips': { from: '28' },
  'ip-forward-no-drop': { from: '28' },
  'bridge-accept-fwmark': { from: '29' },
  'firewall-backend': { from: '29' },
  'min-api-version': { from: '29' },
  'default-stop-timeout': { from: '29.7' },
  'nri-opts': { from: '29.7' },
  'cluster-advertise': { until: '24' },
  'cluster-store': { until: '24' },
  'cluster-store-opts': { until: '24' },
  graph: { until: '24' },
  'oom-score-adjust': { until: '26' },
  'api-cors-header': { until: '29' },
};

/** Every key that any engine from 18.03 on knows. */
export const DAEMON_KEYS: ReadonlyMap<string, DaemonKey> = new Map(
  Object.entries(TYPES)
    .flatMap(([type, keys]) => keys.split(' ').map(key => [key, type as DaemonKeyType] as const))
    .map(([key, type]) => {
      const entry: DaemonKey = { type, from: '18.03', ...RANGES[key], reloadable: RELOADABLE.has(key) };
      const values = VALUES[key];
      return [key, values === undefined ? entry : { ...entry, values }];
    }),
);
