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

/**
 * A process costs an old host more than all that is read here, so what the shell can find out by itself is not asked of
 * a program, and programs are asked for all paths at once.
 */
const SCRIPT = `
nl='
'
put() { printf '%s=%s\\n' "$1" "$2"; }
each() { n=0; while IFS= read -r line && [ $n -lt $2 ]; do put "$1" "$line"; n=$((n+1)); done; }
has() { command -v "$1" >/dev/null 2>&1; }
first() { line=; if [ -r "$2" ]; then IFS= read -r line < "$2"; fi; put "$1" "$line"; }
find_program() {
  program=; rest=$PATH:
  while [ -n "$rest" ]; do
    d=\${rest%%:*}; rest=\${rest#*:}
    if [ -n "$d" ] && [ -f "$d/$1" ] && [ -x "$d/$1" ]; then program=$d/$1; return; fi
  done
  return 1
}
# Sets "answers": a line for each argument, all from one run of the program "$ask", or from one run each where it does not
# answer for all of them. A heading comes before what df says.
ask_each() {
  answers=$($ask "$@" 2>/dev/null)
  case $ask in df*) answers=\${answers#*"$nl"};; esac
  answered=0
  set -f; IFS=$nl
  for line in $answers; do answered=$((answered+1)); done
  unset IFS; set +f
  if [ $answered = $# ]; then return; fi
  answers=
  for q in "$@"; do
    line=$($ask "$q" 2>/dev/null)
    case $ask in df*) line=\${line#*"$nl"};; esac
    answers=$answers\${line%%"$nl"*}$nl
  done
}
next_answer() { answer=\${answers%%"$nl"*}; answers=\${answers#*"$nl"}; }
ask_places() {
  ask=$1
  set -f; IFS=$nl; set -- $places; unset IFS; set +f
  ask_each "$@"
}

put now "$(date +%s.%N)"
u=$(uname -n -r -m)
put hostname "\${u%% *}"
put machine "\${u##* }"
u=\${u#* }
kernel=\${u%% *}
put kernel "$kernel"
first init /proc/1/comm
for f in /etc/os-release /usr/lib/os-release; do
  if [ -r $f ]; then each os 40 < $f; break; fi
done
if has systemctl; then v=$(systemctl --version 2>/dev/null); put systemd "\${v%%"$nl"*}"; fi
while read -r name value rest; do
  case $name in MemTotal:|MemAvailable:|SwapTotal:) put mem "$name $value";; esac
done < /proc/meminfo
while read -r device point type options rest; do
  case $type in cgroup|cgroup2) put cgroup "$type $point $options";; esac
done < /proc/mounts
each cgroups 30 < /proc/cgroups
first controllers /sys/fs/cgroup/cgroup.controllers
overlay=
while read -r a b; do
  case "$a $b" in *overlay*) overlay=loaded; break;; esac
done < /proc/filesystems
if [ -z "$overlay" ] && has modprobe && modprobe -n overlay >/dev/null 2>&1; then overlay=loadable; fi
if [ -n "$overlay" ]; then put overlay $overlay; put module "overlay $overlay"; fi
if [ -d /sys/module/br_netfilter ]; then put module 'br_netfilter loaded'
elif has modprobe && modprobe -n br_netfilter >/dev/null 2>&1; then put module 'br_netfilter loadable'; fi
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
set --
for b in dockerd docker containerd runc docker-compose; do
  if find_program $b; then set -- "$@" "$program"; fi
done
if [ $# -gt 0 ]; then
  ask='readlink -f --'; ask_each "$@"
  for p in "$@"; do
    next_answer; r=\${answer:-$p}; b=\${p##*/}
    put binary "$b $p"
    put resolved "$b $r"
    case $r in */airferry/*) o=airferry;; /snap/*) o=snap;; *) o=$(origin "$r");; esac
    put origin "$b $o"
    if [ $b = dockerd ] && [ "$o" != airferry ]; then put version "$b $("$p" --version 2>/dev/null | head -n 1)"; fi
  done
fi
set --; comms=
for p in /proc/[0-9]*; do
  c=; read -r c < $p/comm
  case "$c" in
    dockerd|containerd|containerd-shim*|docker-containe*) set -- "$@" $p/exe; comms=$comms$c$nl;;
    chronyd|ntpd|systemd-timesyn|openntpd) put timesync "$c";;
  esac
done 2>/dev/null
if [ $# -gt 0 ]; then
  ask='readlink --'; ask_each "$@"
  for p in "$@"; do
    next_answer; e=\${answer%% *}
    put process "\${e##*/}:\${comms%%"$nl"*}"; comms=\${comms#*"$nl"}
  done
fi
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
set --
for l in net/ipv4/ip_forward ${LIMITS.join(' ')}; do
  if [ -r /proc/sys/$l ]; then set -- "$@" /proc/sys/$l; fi
done
[ $# -eq 0 ] || awk '{ n = substr(FILENAME, 11) }
n == "net/ipv4/ip_forward" { print "forward=" $1; next }
{ print "limit=" n " " $1 }' "$@"
for c in /proc/config.gz "/boot/config-$kernel" "/usr/lib/modules/$kernel/config" "/lib/modules/$kernel/config"; do
  if [ -r "$c" ]; then
    put kconfig "$c"
    case $c in *.gz) gzip -dc "$c";; *) cat "$c";; esac 2>/dev/null |
      sed -n -E 's/^CONFIG_(${ASKED_KERNEL_OPTIONS.join('|')})=[ym]/kset=&/p'
    break
  fi
done
if has dpkg-query; then
  packages=$(dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' ${PACKAGES} 2>/dev/null)
  set -f; IFS=$nl
  for line in $packages; do case $line in i*) put package "\${line##* }";; esac; done
  unset IFS; set +f
elif has rpm; then
  packages=$(rpm -q --qf '%{NAME}\n' ${PACKAGES} 2>/dev/null)
  set -f; IFS=$nl
  for line in $packages; do case $line in *' '*) ;; *) put package "$line";; esac; done
  unset IFS; set +f
fi
if [ -d /snap/docker ]; then put package snap:docker; fi
`;

/** For the paths that are the script's arguments by then. */
const TELL_PATHS = `
places=
for p in "$@"; do
  q=$p
  while [ ! -e "$q" ]; do q=\${q%/*}; q=\${q:-/}; done
  places=$places$q$nl
done
ask_places 'df -P -k -T --'; sizes=$answers
ask_places 'df -P -i --'; inodes=$answers
for p in "$@"; do
  q=\${places%%"$nl"*}; places=\${places#*"$nl"}
  put path "$p"
  put exists "$q"
  d=\${sizes%%"$nl"*}; sizes=\${sizes#*"$nl"}
  put df "$d"
  put inodes "\${inodes%%"$nl"*}"; inodes=\${inodes#*"$nl"}
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
  return `${SCRIPT}
set -- ${command(paths)}
${TELL_PATHS}`;
}
