/** /etc/hosts: one line of ours, told from the operator's by a comment. Pure; scripts to change it are built here too. */
import { quote } from '../host/quote.ts';

export const ETC_HOSTS = '/etc/hosts';

const MARK = '# airferry';

/** `172.11.1.107 hub.company.com # airferry` */
export function hostsLine(ip: string, name: string): string {
  return `${ip} ${name} ${MARK}`;
}

/** A registry's host name without its port. */
export function registryHost(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** Lines of ours among those of /etc/hosts. */
export function ourLines(lines: readonly string[]): string[] {
  return lines.filter(line => line.endsWith(` ${MARK}`));
}

/** To which address the operator's own lines send a name; the first one counts, as it does for the resolver. */
export function operatorsAddress(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    if (line.endsWith(` ${MARK}`)) continue;
    const [ip, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (ip && names.some(known => known.toLowerCase() === name.toLowerCase())) return ip;
  }
  return undefined;
}

/**
 * Put a line into /etc/hosts in the place of earlier ones of ours, or only take ours out; everything else stays byte for
 * byte. `openEnded`: the operator's file had no newline at its end, and gets back that end. Where the file is a mount
 * point, as in containers, it cannot be renamed over and is written in place.
 */
export function hostsScript(line: string | undefined, openEnded: boolean): string {
  const finish =
    line === undefined
      ? openEnded
        ? 'c=$(cat -- "$t"); printf %s "$c" > "$t"'
        : ''
      : `printf '%s\\n' ${quote(line)} >> "$t"`;
  return `set -e
t=$(mktemp /etc/.hosts.XXXXXX)
trap 'rm -f -- "$t"' EXIT
cp -p -- /etc/hosts "$t"
grep -v ${quote(` ${MARK}$`)} /etc/hosts > "$t" || [ $? -eq 1 ]
${finish}
sync -- "$t" 2>/dev/null || sync
mv -f -- "$t" /etc/hosts 2>/dev/null || cat -- "$t" > /etc/hosts
if command -v restorecon >/dev/null 2>&1; then restorecon /etc/hosts || :; fi`;
}
