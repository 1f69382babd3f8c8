/**
 * Build options of the kernel that containers are made of, after moby's contrib/check-config.sh: those that it calls
 * generally necessary, some of them only on certain kernels, and the optional ones. Names are without `CONFIG_`.
 */

export interface KernelOption {
  name: string;
  /** `vital`: no container runs without it. `needed`: usual setups need it. The rest: what is lacking without it. */
  need: 'vital' | 'needed' | { without: string };
  /** The kernels that have it, as major * 1000 + minor: from, and up to and including. */
  from?: number;
  to?: number;
  /** On hosts with this version of cgroups alone. */
  cgroup?: 1 | 2;
}

type More = Omit<KernelOption, 'name' | 'need'>;

function options(need: KernelOption['need'], names: string, more: More = {}): KernelOption[] {
  return names.split(' ').map(name => ({ name, need, ...more }));
}

export const KERNEL_OPTIONS: readonly KernelOption[] = [
  ...options('vital', 'NAMESPACES NET_NS PID_NS IPC_NS UTS_NS CGROUPS VETH BRIDGE'),
  ...options('needed', 'CGROUP_SCHED KEYS POSIX_MQUEUE BRIDGE_NETFILTER'),
  ...options('needed', 'NETFILTER_XT_MATCH_ADDRTYPE NETFILTER_XT_MATCH_CONNTRACK NETFILTER_XT_MARK NF_NAT'),
  ...options('needed', 'CGROUP_FREEZER CGROUP_DEVICE CPUSETS CGROUP_CPUACCT MEMCG', { cgroup: 1 }),
  ...options('needed', 'CGROUP_BPF', { from: 4015, cgroup: 2 }),
  ...options('needed', 'DEVPTS_MULTIPLE_INSTANCES', { to: 4007 }),
  ...options('needed', 'NF_NAT_IPV4', { to: 5001 }),
  ...options('needed', 'NF_NAT_NEEDED', { to: 5002 }),
  ...options(
    { without: 'rules of iptables-legacy (nftables has its own)' },
    'IP_NF_FILTER IP_NF_MANGLE IP_NF_TARGET_MASQUERADE IP_NF_RAW IP_NF_NAT IP_NF_TARGET_REDIRECT',
  ),
  ...options(
    { without: 'IPv6 for containers with iptables-legacy' },
    'IP6_NF_FILTER IP6_NF_MANGLE IP6_NF_TARGET_MASQUERADE IP6_NF_RAW IP6_NF_NAT',
  ),
  ...options({ without: 'userns-remap and rootless' }, 'USER_NS'),
  ...options({ without: 'seccomp profiles' }, 'SECCOMP SECCOMP_FILTER'),
  ...options({ without: '--pids-limit' }, 'CGROUP_PIDS', { cgroup: 1 }),
  ...options({ without: 'limits on huge pages' }, 'CGROUP_HUGETLB', { cgroup: 1 }),
  ...options({ without: '--memory-swap' }, 'MEMCG_SWAP', { to: 6000 }),
  ...options({ without: '--kernel-memory' }, 'MEMCG_KMEM', { to: 4005 }),
  ...options({ without: '--blkio-weight and limits on disk throughput' }, 'BLK_CGROUP BLK_DEV_THROTTLING'),
  ...options({ without: '--cpus and --cpu-quota' }, 'CFS_BANDWIDTH FAIR_GROUP_SCHED'),
  ...options(
    { without: 'load balancing in Swarm' },
    'NETFILTER_XT_MATCH_IPVS IP_VS IP_VS_NFCT IP_VS_PROTO_TCP IP_VS_PROTO_UDP IP_VS_RR',
  ),
  ...options({ without: 'overlay networks' }, 'VXLAN BRIDGE_VLAN_FILTERING'),
  ...options(
    { without: 'encrypted overlay networks' },
    'CRYPTO_GCM XFRM_USER INET_ESP NETFILTER_XT_MATCH_BPF',
  ),
  ...options({ without: 'ipvlan networks' }, 'IPVLAN'),
  ...options({ without: 'macvlan networks' }, 'MACVLAN DUMMY'),
];

/** All of them, once each. */
export const ASKED_KERNEL_OPTIONS: readonly string[] = [...new Set(KERNEL_OPTIONS.map(({ name }) => name))];
