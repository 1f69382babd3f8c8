/** The registry of the site: its name in /etc/hosts, its CA where Docker looks for it. */
import { hostsLine, operatorsAddress, ourLines, registryHost } from './etc-hosts.ts';
import { planHostsLine } from './hosts-line.ts';
import type { HostContext, Phase } from './phase.ts';
import { planFiles, textFile } from './place-files.ts';
import type { SiteRegistry } from './wanted.ts';

/** Where Docker looks for the CA of a registry; it needs no restart to find it. */
export function caPath(address: string): string {
  return `/etc/docker/certs.d/${address}/ca.crt`;
}

export const trustRegistry: Phase = {
  name: 'trust-registry',
  plan(context) {
    const { registry } = context.wanted;
    if (!registry) return undefined;
    const ca = planFiles(context, registry.ca ? [textFile(caPath(registry.address), registry.ca)] : []);
    const line = missingLine(context, registry);
    const hosts = line === undefined ? undefined : planHostsLine(context, line);
    if (ca.changes.length === 0 && !hosts) return undefined;
    return {
      changes: [...ca.changes, ...(hosts?.changes ?? [])],
      files: ca.files,
      made: hosts?.made ?? [],
      async run() {
        await ca.run();
        await hosts?.run();
      },
    };
  },
};

/** The line that /etc/hosts lacks; undefined when it is there, or the operator's own lines say the same. */
function missingLine({ facts, state }: HostContext, { address, ip }: SiteRegistry): string | undefined {
  if (ip === undefined) return undefined;
  const name = registryHost(address);
  if (name === ip) return undefined;
  const line = hostsLine(ip, name);
  const ours = ourLines(facts.etcHosts);
  if (ours.length === 1 && ours[0] === line && state.changes.some(change => change.kind === 'hosts-line'))
    return undefined;
  return operatorsAddress(facts.etcHosts, name) === ip ? undefined : line;
}
