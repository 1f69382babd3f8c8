/** The shape of `fleet.yaml`: what may be written. What it means is in `fleet.ts`. */
import type { z } from 'zod';
import { daemonShape, either, list, map, NAME, record, text, wholeNumber, yesOrNo } from './shapes.ts';

/** No blanks, and no dash in front: these words end up as arguments. */
const WORD = /^[^\s\p{C}-][^\s\p{C}]*$/u;

const jump = text('user@host or user@host:port', WORD);

/** What defaults, groups and hosts may all say; a host overrides its groups, and they override the defaults. */
const settings = {
  user: text('a user name, e.g. ops', /^[A-Za-z0-9_][^\s\p{C}@:/]*$/u)
    .describe('Who to log in as.')
    .optional(),
  port: wholeNumber(1, 65535).describe('The port of sshd.').optional(),
  identity: text('the path of a private key, e.g. ~/.ssh/id_ed25519')
    .describe('The private key to log in with.')
    .optional(),
  agent: yesOrNo().describe('Whether keys of the SSH agent are tried.').optional(),
  sudo: yesOrNo().describe('Whether commands are run through sudo.').optional(),
  bastion: either(
    jump,
    list(jump, 'a list', 8),
    'user@host[:port], or a list of them in the order of the jumps',
  )
    .describe('The jump hosts on the way, nearest first; [] for none.')
    .optional(),
  daemon: daemonShape.optional(),
};

const registry = map(
  {
    address: text('host or host:port, e.g. hub.company.com', WORD).describe('The name that images carry.'),
    ip: text('an IP address, e.g. 172.11.1.107', WORD)
      .describe('Written to /etc/hosts beside the name.')
      .optional(),
    ca: text('the path of a CA certificate').describe('The CA that signed its certificate.').optional(),
    insecure: yesOrNo().describe('Plain HTTP.').optional(),
  },
  'a map, e.g. { address: hub.company.com }',
).describe('The registry of the isolated side.');

const host = map(
  {
    name: text('a name, e.g. h1 or node[01:40]', WORD).describe('What the host is called; may hold ranges.'),
    address: text('a host name or IP address', WORD)
      .describe('Where it is reached, with the same ranges; the name when left out.')
      .optional(),
    groups: list(text('the name of a group', NAME), 'a list, e.g. [workers]', 100)
      .describe('Its groups; of what they say, later ones win.')
      .optional(),
    ...settings,
  },
  'a map, e.g. { name: h1, address: 10.77.0.11 }',
);

export const fleetSchema = map(
  {
    defaults: map(settings, 'a map, e.g. { user: ops }').describe('What holds for every host.').optional(),
    registry: registry.optional(),
    hosts: list(host, 'a list, e.g. [{ name: h1, address: 10.77.0.11 }]').describe('The hosts.'),
    groups: record(
      map(settings, 'a map, e.g. { user: ops }').nullable(),
      'a map of group names, e.g. { workers: { user: ops } }',
    )
      .describe('What holds for the hosts of a group, by its name.')
      .optional(),
  },
  'a map with a list of hosts',
).meta({ title: 'airferry fleet', description: 'The hosts behind the air gap (fleet.yaml).' });

export type FleetShape = z.output<typeof fleetSchema>;
export type HostShape = FleetShape['hosts'][number];
export type SettingsShape = NonNullable<FleetShape['defaults']>;
