/** The lab's network: a namespace for the operator and the registries, one per host, and a bridge between them. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, run } from './exec.ts';

/** The operator's address, on which the registries listen too. */
export const OPERATOR_ADDRESS = '10.77.0.1';
/** Names by which the operator finds its own address. */
export const REGISTRY_NAMES = ['hub.company.com', 'registry.lab'];

/** The address of the host with the given index, from 0. */
export function hostAddress(index: number): string {
  return `10.77.0.${11 + index}`;
}

/** The operator's network namespace in lab `lab`. */
export function operatorNamespace(lab: string): string {
  return `aflab-${lab}`;
}

/** The network namespace of the host `host` in lab `lab`. */
export function hostNamespace(lab: string, host: string): string {
  return `aflab-${lab}-${host}`;
}

/** Make the operator's namespace with its bridge, and its own /etc/hosts with the names of all hosts. */
export async function makeOperatorNetwork(
  lab: string,
  hosts: { name: string; address: string }[],
): Promise<void> {
  const ns = operatorNamespace(lab);
  const etc = join('/etc/netns', ns);
  await mkdir(etc, { recursive: true });
  const lines = ['127.0.0.1 localhost', `${OPERATOR_ADDRESS} ${REGISTRY_NAMES.join(' ')}`];
  lines.push(...hosts.map(host => `${host.address} ${host.name}`));
  await writeFile(join(etc, 'hosts'), `${lines.join('\n')}\n`);
  await writeFile(join(etc, 'resolv.conf'), '');
  await must(['ip', 'netns', 'add', ns]);
  await must(['ip', '-n', ns, 'link', 'set', 'lo', 'up']);
  await must(['ip', '-n', ns, 'link', 'add', 'br0', 'type', 'bridge']);
  await must(['ip', '-n', ns, 'addr', 'add', `${OPERATOR_ADDRESS}/24`, 'dev', 'br0']);
  await must(['ip', '-n', ns, 'link', 'set', 'br0', 'up']);
}

/** Make the namespace of a host and plug it into the bridge. It gets no default route: there is nothing beyond. */
export async function makeHostNetwork(lab: string, host: string, address: string): Promise<void> {
  const operator = operatorNamespace(lab);
  const ns = hostNamespace(lab, host);
  const link = linkName(host);
  await must(['ip', 'netns', 'add', ns]);
  await must([
    'ip',
    '-n',
    operator,
    'link',
    'add',
    link,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    ns,
  ]);
  await must(['ip', '-n', operator, 'link', 'set', link, 'master', 'br0', 'up']);
  await must(['ip', '-n', ns, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
  for (const device of ['lo', 'eth0']) await must(['ip', '-n', ns, 'link', 'set', device, 'up']);
}

/** The operator's end of the cable to `host`. */
export function linkName(host: string): string {
  return `v-${host}`;
}

/** Pull the cable to `host` out, or put it back in. */
export async function setLink(lab: string, host: string, state: 'up' | 'down'): Promise<void> {
  await must(['ip', '-n', operatorNamespace(lab), 'link', 'set', linkName(host), state]);
}

/** Take every namespace of the lab away; what is gone already is no error. */
export async function removeNetwork(lab: string): Promise<void> {
  const operator = operatorNamespace(lab);
  const listed = (await must(['ip', 'netns', 'list'])).split('\n').map(line => line.split(' ')[0] ?? '');
  for (const ns of listed)
    if (ns === operator || ns.startsWith(`${operator}-`)) await run(['ip', 'netns', 'delete', ns]);
  await rm(join('/etc/netns', operator), { recursive: true, force: true });
}
