/**
 * The script that asks a host for its facts, in one go: POSIX sh and coreutils, everything else only where it exists.
 *
 * It prints lines `key=value`; a key may come several times. Nothing that it calls changes the host. `facts-parse.ts`
 * reads what it prints.
 */
import { ASKED_KERNEL_OPTIONS } from './kernel-options.ts';
import { command } from './quote.ts';

/** Programs of which a host is asked whether it has them. */
export const TOOLS = [
  'tar',
  'gzip',
  'xz',
  'sha256sum',
  'ps',
  'modprobe',
  'iptables',
  'nft',
  'systemctl',
  'docker',
  'apparmor_parser',
] as const;

/** Packages that bring a Docker, or what stands for one, besides airferry's. */
const PACKAGES =
  'docker.io docker-ce docker-engine docker moby-engine docker-ce-cli podman-docker containerd containerd.io';

/** Of the kernel, by their names under /proc/sys. */
const LIMITS = [
  'fs/file-max',
  'fs/nr_open',
  'fs/inotify/max_user_instances',
  'kernel/keys/root_maxkeys',
  'kernel/pid_max',
];

const SCRIPT = `
put() { printf '%s=%s\\n' "$1" "$2"; }
each() { n=0; while IFS= read -r line && [ $n -lt $2 ]; do put "$1" "$line"; n=$((n+1)); done; }
has() { command -v "$1" >/dev/null 2>&1; }
first() { line=; if [ -r "$2" ]; then IFS= read -r line < "$2"; fi; put "$1" "$line"; }

put now "$(date +%s.%N)"
put uid "$(id -u)"
u=$(uname -n -r -m)
put hostname "\${u%% *}"
put machine "\${u##* }"
u=\${u#* }
kernel=\${u%% *}
put kernel "$kernel"
first init /proc/1/comm
put cpus "$(nproc 2>/dev/null)"
for f in /etc/os-release /usr/lib/os-release; do
  if [ -r $f ]; then each os 40 < $f; break; fi
done
if has systemctl; then systemctl --version 2>/dev/null | each systemd 1; fi
while read -r name value rest; do
  case $name in MemTotal:|MemAvailable:|SwapTotal:) put mem "$name $value";; esac
done < /proc/meminfo
while read -r device point type options rest; do
  case $type in cgroup|cgroup2) put cgroup "$type $point $options";; esac
done < /proc/mounts
each cgroups 30 < /proc/cgroups
first controllers /sys/fs/cgroup/cgroup.controllers
while read -r a b; do
  case "$a $b" in *overlay*) put overlay loaded; break;; esac
done < /proc/filesystems
if has modprobe && modprobe -n overlay >/dev/null 2>&1; then put overlay loadable; fi
if has iptables; then put iptables "$(iptables --version 2>/dev/null)"; fi
if has getenforce; then put selinux "$(getenforce 2>/dev/null)"
elif [ -r /sys/fs/selinux/enforce ]; then first selinux /sys/fs/selinux/enforce; fi
if has systemctl; then
  states=$(systemctl is-active firewalld ufw 2>/dev/null)
  for u in firewalld ufw; do
    if [ "\${states%%[!a-z]*}" = active ]; then put firewall $u; fi
    states=\${states#*[!a-z]}
  done
fi
for t in ${TOOLS.join(' ')}; do if has $t; then put tool "$t"; fi; done
for f in /proc/net/tcp /proc/net/tcp6; do
  if [ -r $f ]; then
    while read -r slot local remote state rest; do
      if [ "$state" = 0A ]; then put listen "$local"; fi
    done < $f
  fi
done
while IFS=: read -r group x gid members; do
  if [ "$group" = docker ]; then put group "$gid:$members"; fi
done < /etc/group

origin() {
  if has dpkg; then o=$(dpkg -S "$1" 2>/dev/null || dpkg -S "\${1#/usr}" 2>/dev/null) && { echo "dpkg \${o%%:*}"; return; }; fi
  if has rpm; then o=$(rpm -qf "$1" 2>/dev/null) && { echo "rpm $o"; return; }; fi
  echo unknown
}
for b in dockerd docker containerd runc docker-compose; do
  p=$(command -v $b 2>/dev/null) || continue
  r=$(readlink -f "$p" 2>/dev/null)
  put binary "$b $p"
  put resolved "$b \${r:-$p}"
  case \${r:-$p} in */airferry/*) o=airferry;; /snap/*) o=snap;; *) o=$(origin "\${r:-$p}");; esac
  put origin "$b $o"
  if [ $b = dockerd ] && [ "$o" != airferry ]; then put version "$b $("$p" --version 2>/dev/null | head -n 1)"; fi
done
for p in /proc/[0-9]*; do
  c=; read -r c < $p/comm
  case "$c" in
    dockerd|containerd|containerd-shim*|docker-containe*)
      e=$(readlink "$p/exe"); e=\${e%% *}; put process "\${e##*/}:$c";;
    chronyd|ntpd|systemd-timesyn|openntpd) put timesync "$c";;
  esac
done 2>/dev/null
if [ -f /etc/docker/daemon.json ]; then put daemonjson "$(stat -c %s /etc/docker/daemon.json)"; fi
for d in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
  if [ -L "\${d%/systemd/system}" ]; then continue; fi
  for u in docker.service docker.socket containerd.service; do
    if [ -e $d/$u ] || [ -L $d/$u ]; then put unit "$d/$u"; fi
    for f in $d/$u.d/*.conf; do if [ -f "$f" ]; then put unit "$f"; fi; done
  done
done
each hosts 1000 < /etc/hosts
first machineid /etc/machine-id
if [ -r /etc/resolv.conf ]; then each resolv 100 < /etc/resolv.conf; fi
if [ -r /run/systemd/resolve/resolv.conf ]; then put resolved-conf 1; fi
each route 500 < /proc/net/route
if [ -r /proc/net/ipv6_route ]; then each route6 500 < /proc/net/ipv6_route; fi
first apparmor /sys/module/apparmor/parameters/enabled
# A sysctl gives its value to a read of the whole; \`read\` asks for one byte after the other, and gets the first alone.
sysctls() {
  set --
  for l in kernel/random/boot_id net/ipv4/ip_forward ${LIMITS.join(' ')}; do
    if [ -r /proc/sys/$l ]; then set -- "$@" /proc/sys/$l; fi
  done
  [ $# -eq 0 ] || awk '{ n = substr(FILENAME, 11) }
n == "kernel/random/boot_id" { print "boot=" $1; next }
n == "net/ipv4/ip_forward" { print "forward=" $1; next }
{ print "limit=" n " " $1 }' "$@"
}
sysctls
for c in /proc/config.gz "/boot/config-$kernel" "/usr/lib/modules/$kernel/config" "/lib/modules/$kernel/config"; do
  if [ -r "$c" ]; then
    put kconfig "$c"
    case $c in *.gz) gzip -dc "$c";; *) cat "$c";; esac 2>/dev/null |
      grep -E '^CONFIG_(${ASKED_KERNEL_OPTIONS.join('|')})=[ym]' | each kset 500
    break
  fi
done
for m in overlay br_netfilter; do
  if [ -d /sys/module/$m ]; then put module "$m loaded"
  elif has modprobe && modprobe -n $m >/dev/null 2>&1; then put module "$m loadable"; fi
done
if has dpkg-query; then
  dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' ${PACKAGES} 2>/dev/null | while read -r s n; do
    case $s in i*) put package "$n";; esac
  done
fi
if has rpm && ! has dpkg-query; then
  rpm -q --qf '%{NAME}\n' ${PACKAGES} 2>/dev/null | while read -r n rest; do
    if [ -z "$rest" ]; then put package "$n"; fi
  done
fi
if [ -d /snap/docker ]; then put package snap:docker; fi

for p in "$@"; do
  q=$p
  while [ ! -e "$q" ]; do q=\${q%/*}; q=\${q:-/}; done
  put path "$p"
  put exists "$q"
  d=$(df -P -k -T "$q" 2>/dev/null)
  put df "\${d#*
}"
  df -P -i "$q" 2>/dev/null | { read -r heading; IFS= read -r line; put inodes "$line"; }
  case $d in *' xfs '*) xfs=1;; *) xfs=;; esac
  if [ -n "$xfs" ] && has xfs_info; then
    xfs_info "$(stat -c %m "$q" 2>/dev/null)" 2>/dev/null | while IFS= read -r line; do
      case $line in *ftype=0*) put ftype 0;; *ftype=1*) put ftype 1;; esac
    done
  fi
done
put end 1
`;

/** The script for a host: `paths` are those whose file systems are asked for. */
export function factsScript(paths: readonly string[]): string {
  return `set -- ${command(paths)}\n${SCRIPT}`;
}
