/** The versions of an engine's components, each asked of itself; how long the host is up, and how full its data root is. */
import { quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';

export type Component = 'dockerd' | 'containerd' | 'runc' | 'init' | 'compose';

/** Room on the file system below the data root, in bytes. */
export interface Disk {
  mount: string;
  total: number;
  free: number;
}

export interface Inspection {
  /** Absent is what is not there. */
  versions: Partial<Record<Component, string>>;
  uptimeSeconds?: number;
  disk?: Disk;
}

const TIMEOUT_MS = 60_000;

/** Old engines call containerd and runc by names of their own. */
const SCRIPT = `say() { printf '%s=%s\\n' "$1" "$2"; }
ask() {
  c=$1; shift
  for p in "$@"; do
    if command -v "$p" >/dev/null 2>&1; then say "$c" "$("$p" --version 2>/dev/null | head -n 1)"; return; fi
  done
}
ask dockerd dockerd
ask containerd containerd docker-containerd
ask runc runc docker-runc
ask init docker-init
# Docker's command line looks for an engine even for this, and would wait for one that hangs.
unset DOCKER_CONTEXT; export DOCKER_HOST=unix:///dev/null
v=$(docker compose version --short 2>/dev/null) || v=$(docker-compose version --short 2>/dev/null) || v=
say compose "$v"
read -r up idle < /proc/uptime && say uptime "$up"
q=$1
while [ ! -e "$q" ]; do q=$(dirname "$q"); done
d=$(df -P -k "$q" 2>/dev/null)
say df "\${d#*
}"`;

/** Ask a host. `dataRoot` is where images lie, or would. */
export async function inspectEngine(shell: Shell, dataRoot: string): Promise<Inspection> {
  const { stdout } = await shell.run(`set -- ${quote(dataRoot)}\n${SCRIPT}`, {
    root: true,
    title: 'ask for versions',
    timeoutMs: TIMEOUT_MS,
  });
  return parseInspection(stdout);
}

/** What the script printed; what is no answer is left out. */
export function parseInspection(answer: string): Inspection {
  const inspection: Inspection = { versions: parseVersions(answer) };
  const uptime = /^uptime=(\d{1,12})(?:\.\d+)?$/m.exec(answer)?.[1];
  if (uptime !== undefined) inspection.uptimeSeconds = Number(uptime);
  const [, total, free, mount] =
    /^df=\S+\s+(\d{1,15})\s+\d+\s+(\d{1,15})\s+\S+\s+(\/.*)$/m.exec(answer) ?? [];
  if (mount !== undefined)
    inspection.disk = { mount, total: Number(total) * 1024, free: Number(free) * 1024 };
  return inspection;
}

/** `component=what --version printed`, line by line. */
export function parseVersions(answer: string): Partial<Record<Component, string>> {
  const versions: Partial<Record<Component, string>> = {};
  for (const line of answer.split('\n')) {
    const [, component, said] = /^(dockerd|containerd|runc|init|compose)=(.*)$/.exec(line) ?? [];
    const version = /\bv?(\d+\.\d+[\w.+~-]*)/.exec(said ?? '')?.[1];
    if (component !== undefined && version !== undefined) versions[component as Component] = version;
  }
  return versions;
}
