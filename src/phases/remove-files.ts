/** Take away exactly what is recorded, and put back what was there before. */

import { IP_FORWARD } from './enable-ip-forward.ts';
import { planHostsLine } from './hosts-line.ts';
import type { BareContext, Phase } from './phase.ts';
import { planUndo, runUndo } from './undo.ts';

export const removeFiles: Phase<BareContext> = {
  name: 'remove-files',
  plan(context) {
    const { state, survey, shell } = context;
    const undo = planUndo(state.files, survey);
    const hosts = planHostsLine(context, undefined);
    const forward = state.changes.find(change => change.kind === 'sysctl' && change.key === IP_FORWARD);
    const off = forward?.kind === 'sysctl' && forward.before === '0';
    if (undo.length === 0 && !hosts && !off) return undefined;
    return {
      changes: [
        ...undo.map(step => step.change),
        ...(hosts?.changes ?? []),
        ...(off ? [`set ${IP_FORWARD} back to 0, unless something else wants it`] : []),
      ],
      async run() {
        await runUndo(shell, undo);
        await hosts?.run();
        await shell.run(off ? `${FORWARD_OFF}\n${RELOAD}` : RELOAD, { root: true, title: 'reload systemd' });
      },
    };
  },
};

const RELOAD = 'systemctl daemon-reload';

const FORWARD_OFF = `if ! grep -rqsE '^[[:space:]]*net[./]ipv4[./]ip_forward[[:space:]]*=[[:space:]]*1' /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d /usr/local/lib/sysctl.d; then
  echo 0 > /proc/sys/net/ipv4/ip_forward
fi`;
