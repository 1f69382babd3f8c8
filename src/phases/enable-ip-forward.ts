/** Containers reach the network through the host, so it has to forward; also after a reboot, before the engine runs. */
import type { Phase, Plan } from './phase.ts';
import { planFiles, textFile } from './place-files.ts';

export const SYSCTL_FILE = '/etc/sysctl.d/80-airferry.conf';
export const IP_FORWARD = 'net.ipv4.ip_forward';

const CONTENT = `# Containers reach the network through this host. Installed by airferry.
${IP_FORWARD} = 1
`;

export const enableIpForward: Phase = {
  name: 'enable-ip-forward',
  plan(context): Plan | undefined {
    const { wanted, facts, state, shell } = context;
    const made = state.changes.find(change => change.kind === 'sysctl' && change.key === IP_FORWARD);
    if (!wanted.engine || (facts.ipForward && !made)) return undefined;
    const plan = planFiles(context, [textFile(SYSCTL_FILE, CONTENT)]);
    if (facts.ipForward && plan.changes.length === 0) return undefined;
    return {
      changes: [...plan.changes, ...(facts.ipForward ? [] : [`set ${IP_FORWARD} = 1`])],
      files: plan.files,
      made: [made ?? { kind: 'sysctl', key: IP_FORWARD, value: '1', before: '0' }],
      async run() {
        await plan.run();
        await shell.run('echo 1 > /proc/sys/net/ipv4/ip_forward', { root: true, title: `set ${IP_FORWARD}` });
      },
    };
  },
};
