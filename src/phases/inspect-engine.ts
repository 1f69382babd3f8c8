/** The versions of an engine's components, each asked of itself. */
import type { Shell } from '../host/shell.ts';

export type Component = 'dockerd' | 'containerd' | 'runc' | 'init' | 'compose';

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
v=$(docker compose version --short 2>/dev/null) || v=$(docker-compose version --short 2>/dev/null) || v=
say compose "$v"`;

/** Ask a host; absent is what is not there. */
export async function inspectEngine(shell: Shell): Promise<Partial<Record<Component, string>>> {
  const { stdout } = await shell.run(SCRIPT, {
    root: true,
    title: 'ask for versions',
    timeoutMs: TIMEOUT_MS,
  });
  return parseVersions(stdout);
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
