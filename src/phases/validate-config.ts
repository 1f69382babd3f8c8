/**
 * Before anything is switched: the new engine itself reads the new daemon.json. dockerd can do that since 23.0; for
 * older ones airferry's own rules, which have been through by now, are all there is.
 */
import { atLeast } from '../engine/version.ts';
import { AirferryError } from '../errors.ts';
import { quote } from '../host/quote.ts';
import { describeTarget } from '../host/target.ts';
import { DAEMON_JSON } from './daemon-files.ts';
import type { HostContext, Phase } from './phase.ts';
import { plannedDaemonJson } from './write-daemon-json.ts';

const VALIDATES_SINCE = '23.0';
const REFUSED = 3;
const TIMEOUT_MS = 60_000;
const MOST_LINES = 5;

export const validateConfig: Phase = {
  name: 'validate-config',
  plan(context, report) {
    const { engine } = context.wanted;
    if (!engine) return undefined;
    const { text } = plannedDaemonJson(context);
    const switched = context.state.release?.archive !== engine.archive.digest;
    if (!switched && context.survey.contents.get(DAEMON_JSON) === text) return undefined;
    if (!atLeast(engine.version, VALIDATES_SINCE)) {
      report.note(
        `engine ${engine.version} cannot check a daemon.json without running it (${VALIDATES_SINCE} and newer can): ` +
          "airferry's own rules have",
      );
      return undefined;
    }
    const containerd = engine.unitNames.includes('containerd.service');
    return {
      changes: [],
      async run() {
        const { shell } = context;
        const result = await shell.run(validateScript(engine.release.binDir, containerd), {
          root: true,
          check: false,
          stdin: text,
          title: 'dockerd --validate',
          timeoutMs: TIMEOUT_MS,
        });
        if (result.status === REFUSED) throw refused(context, engine.version, result.stdout);
        if (result.status !== 0) throw shell.failure('dockerd --validate', result);
      },
    };
  },
};

/** dockerd looks for docker-proxy on its PATH even then. Flags of the unit come with it, since keys may clash with them. */
function validateScript(binDir: string, containerd: boolean): string {
  const flag = containerd ? ' --containerd=/run/containerd/containerd.sock' : '';
  return `set -e
f=$(mktemp); trap 'rm -f -- "$f"' EXIT
cat > "$f"
PATH=${quote(binDir)}:$PATH
if ! said=$(dockerd --validate --config-file "$f"${flag} 2>&1); then printf '%s\\n' "$said" | sed "s|$f|daemon.json|g"; exit ${REFUSED}; fi`;
}

function refused({ shell }: HostContext, version: string, said: string): AirferryError {
  const lines = said.split('\n').filter(line => /\S/.test(line));
  const why = lines.slice(-MOST_LINES).join('\n  ');
  return new AirferryError(
    'DAEMON_JSON_INVALID',
    `engine ${version} refuses the daemon.json that ${describeTarget(shell.target)} would get: ${why}`,
    {
      where: { host: shell.target.name, file: DAEMON_JSON },
      suggestions: [
        'Nothing was switched, and the engine was not touched.',
        "Mend the recipe's or the fleet's daemon settings, or what is in the host's own file; --dry-run shows the difference.",
      ],
    },
  );
}
