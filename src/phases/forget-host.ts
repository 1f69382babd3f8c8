/** The end of an uninstall: the last line of the audit log, then nothing of ours is left but that log. */

import { INSTALL_ROOT } from '../engine/release.ts';
import { audit } from '../host/audit.ts';
import { LAYOUT } from '../host/layout.ts';
import { command } from '../host/quote.ts';
import { BACKUPS_DIR } from './backups.ts';
import { KEPT_ROOT } from './gather-facts.ts';
import type { BareContext, Phase } from './phase.ts';
import { REPLACED_DIR } from './place-files.ts';

/** `purge`: the audit log goes too. */
export function forgetHost(purge: boolean): Phase<BareContext> {
  return {
    name: 'forget-host',
    plan({ shell, done, state }) {
      return {
        changes: [`forget what was installed${purge ? ', and the audit log' : ''}`],
        async run() {
          const lines = done.map(({ phase, what, files }) => ({
            phase,
            action: what,
            ...(files ? { files } : {}),
            result: 'undone' as const,
            ...(state.bundle ? { bundle: state.bundle.digest } : {}),
          }));
          if (!purge) await audit(shell, lines);
          await shell.run(forgetScript(purge), { root: true, title: 'remove the state' });
        },
      };
    },
  };
}

/** What lies in `replaced/` by now is the operator's and was not put back; it stays, and so does its folder. */
function forgetScript(purge: boolean): string {
  const log = LAYOUT.audit.slice(0, LAYOUT.audit.lastIndexOf('/'));
  return `set -e
${command(['rm', '-f', '--', LAYOUT.state])}
${command(['rm', '-rf', '--', LAYOUT.blobs, BACKUPS_DIR])}
${purge ? command(['rm', '-rf', '--', log]) : ':'}
${command(['rmdir', '--', `${INSTALL_ROOT}/releases`, `${INSTALL_ROOT}/compose`, INSTALL_ROOT, REPLACED_DIR, KEPT_ROOT])} 2>/dev/null || :`;
}
