/** Images, containers and volumes, on explicit wish only; and what the engine wrote besides. */
import { parseDaemonJson } from '../engine/daemon-json.ts';
import { UNIT_DIR } from '../engine/units.ts';
import { AirferryError } from '../errors.ts';
import { quote } from '../host/quote.ts';
import { DAEMON_JSON } from './daemon-files.ts';
import type { BareContext, Phase } from './phase.ts';
import { DEFAULT_DATA_ROOT } from './wanted.ts';

const CONTAINERD_ROOT = '/var/lib/containerd';
/** Milliseconds; millions of small files on a slow disk. */
const TIMEOUT_MS = 60 * 60_000;

/**
 * What dockerd makes in its data root, besides the folders by which a data root is known. Nothing else is deleted there:
 * a root like /mnt/data may hold what is not the engine's.
 */
const NAMES =
  'builder buildkit containerd network overlay2 overlay aufs btrfs devicemapper vfs zfs fuse-overlayfs plugins runtimes swarm tmp trust nri';
/** They go last, so that an interrupted run can be told from a folder that is none of the engine's. */
const MARKS = 'containers volumes image';

/**
 * Once done, the release is forgotten: daemon.json, which names the data root, goes after it, and a later run would
 * take the default root for the one that is meant.
 */
export const purgeData: Phase<BareContext> = {
  name: 'purge-data',
  plan(context) {
    const { state, shell } = context;
    if (!state.release) return undefined;
    const root = dataRoot(context);
    const containerd = state.files.some(file => file.path === `${UNIT_DIR}/containerd.service`);
    return {
      changes: [`delete ${root}`, ...(containerd ? [`delete ${CONTAINERD_ROOT}`] : [])],
      async run() {
        const script = `${dropScript(root, containerd ? CONTAINERD_ROOT : undefined)}\n${LEFTOVERS}`;
        await shell.run(script, { root: true, title: `delete ${root}`, timeoutMs: TIMEOUT_MS });
        const { release, ...rest } = context.state;
        context.state = rest;
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

/**
 * Delete what dockerd made in `root`, and all of `containerd`. Where links or mounts lead, there it is deleted, and the
 * emptied folder stays, for they are the operator's. What is mounted below is unmounted, never entered.
 */
export function dropScript(root: string, containerd?: string): string {
  return `set -e
below() { awk -v d="$1/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r; }
drop() {
  [ -d "$1" ] || return 0
  keep=; [ ! -L "$1" ] || keep=1
  set -- "$(readlink -f -- "$1")"
  case $1 in /*/*) ;; *) echo "$1 is not deleted as a whole" >&2; exit 1;; esac
  below "$1" | while IFS= read -r m; do umount -- "$m" || :; done
  if [ -n "$(below "$1")" ]; then echo "something is still mounted below $1" >&2; exit 1; fi
  if awk -v d="$1" '$2 == d { found = 1 } END { exit !found }' /proc/mounts; then keep=1; fi
  if [ -n "$keep" ]; then find "$1" -xdev -mindepth 1 -delete
  else rm -rf --one-file-system -- "$1"; fi
}
engine() {
  if ! [ -d "$1/image" ] && ! [ -d "$1/containers" ] && ! [ -d "$1/volumes" ]; then
    for n in ${NAMES}; do
      if [ -e "$1/$n" ]; then echo "$1 does not look like the data root of an engine" >&2; exit 1; fi
    done
  fi
  rm -f -- "$1/engine-id"
  for n in ${NAMES} ${MARKS}; do drop "$1/$n"; done
}
d=${quote(root)}
if [ -d "$d" ]; then
  engine "$(readlink -f -- "$d")"
  if [ ! -L "$d" ]; then rmdir -- "$d" 2>/dev/null || :; fi
fi${containerd === undefined ? '' : `\ndrop ${quote(containerd)}`}`;
}

const LEFTOVERS = `rm -f /etc/docker/key.json
rmdir /opt/containerd/bin /opt/containerd/lib /opt/containerd /etc/cni/net.d /etc/cni /etc/docker 2>/dev/null || :`;
