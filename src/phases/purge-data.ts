/** Images, containers and volumes, on explicit wish only; and what the engine wrote besides. */
import { parseDaemonJson } from '../engine/daemon-json.ts';
import { AirferryError } from '../errors.ts';
import { quote } from '../host/quote.ts';
import type { BareContext, Phase } from './phase.ts';
import { DEFAULT_DATA_ROOT } from './wanted.ts';
import { DAEMON_JSON } from './write-daemon-json.ts';

const CONTAINERD_ROOT = '/var/lib/containerd';
/** Milliseconds; millions of small files on a slow disk. */
const TIMEOUT_MS = 60 * 60_000;

export const purgeData: Phase<BareContext> = {
  name: 'purge-data',
  plan(context) {
    const { state, shell } = context;
    if (!state.release) return undefined;
    const root = dataRoot(context);
    return {
      changes: [`delete ${root}`, `delete ${CONTAINERD_ROOT}`],
      async run() {
        await shell.run(purgeScript(root), { root: true, title: `delete ${root}`, timeoutMs: TIMEOUT_MS });
      },
    };
  },
};

/** What the engine itself says, else its daemon.json, else its default. Throws HOST_PREFLIGHT for a place that cannot be meant. */
function dataRoot({ survey, shell }: BareContext): string {
  const text = survey.contents.get(DAEMON_JSON);
  const config = text === undefined ? {} : parseDaemonJson(text, { file: DAEMON_JSON }).config;
  const root = survey.engine?.dataRoot || config['data-root'] || DEFAULT_DATA_ROOT;
  if (typeof root === 'string' && /^\/[^/]+\/[^/]+/.test(root) && !root.split('/').includes('..'))
    return root;
  throw new AirferryError(
    'HOST_PREFLIGHT',
    `the data root is said to be ${String(root)}, which is not deleted as a whole`,
    {
      where: { host: shell.target.name },
      suggestions: ['Delete it by hand, and run the command again without --purge.'],
    },
  );
}

/** A folder that does not look like an engine's is left alone. Other file systems mounted below are not entered. */
function purgeScript(root: string): string {
  return `set -e
drop() {
  [ -d "$1" ] || return 0
  awk -v d="$1/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r | while IFS= read -r m; do umount -- "$m" || :; done
  if awk -v d="$1" '$2 == d { found = 1 } END { exit !found }' /proc/mounts; then
    find "$1" -xdev -mindepth 1 -delete
  else rm -rf --one-file-system -- "$1"; fi
}
d=${quote(root)}
if [ -d "$d" ]; then
  if [ -d "$d/image" ] || [ -d "$d/containers" ] || [ -d "$d/volumes" ] || [ -z "$(ls -A "$d")" ]; then drop "$d"
  else echo "$d does not look like the data root of an engine" >&2; exit 1; fi
fi
drop ${quote(CONTAINERD_ROOT)}
rm -f /etc/docker/key.json
rmdir /opt/containerd/bin /opt/containerd/lib /opt/containerd /etc/cni/net.d /etc/cni /etc/docker 2>/dev/null || :`;
}
