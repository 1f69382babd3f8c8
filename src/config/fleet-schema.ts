/** The shape of `fleet.yaml`: what may be written. What it means is in `fleet.ts`. */
import * as z from 'zod';
import { daemonShape, either, list, map, NAME, oneOf, record, text, wholeNumber, yesOrNo } from './shapes.ts';

/** No blanks, and no dash in front: these words end up as arguments. */
const WORD = /^[^\s\p{C}-][^\s\p{C}]*$/u;

const jump = text('user@host or user@host:port', WORD);

const sudoPassword = either(
  map(
    {
      env: text('the name of an environment variable', /^[A-Za-z_][A-Za-z0-9_]*$/).describe(
        'The variable that holds it.',
      ),
    },
    '{ env: NAME }',
  ),
  map({ file: text('the path of a file').describe('The file whose first line it is.') }, '{ file: PATH }'),
  '{ env: NAME } or { file: PATH }, never the password itself',
)
  .describe("Where sudo's password comes from; the flag --ask-sudo-password wins.")
  .meta({ examples: [{ env: 'PLANT_7_SUDO' }, { file: '/run/secrets/sudo' }] });

const vars = record(
  z.union([z.string().max(4096), z.number(), z.boolean()], {
    error: 'must be text, a number, true or false',
  }),
  'a map of names and values, e.g. { site: plant-7 }',
)
  .describe(
    'Variables of this file, used as $NAME. Those of a host win over those of its groups, the environment, and the top.',
  )
  .meta({ examples: [{ site: 'plant-7', dns: '$RACK.site' }] });

const roles = list(text('the name of a role', NAME), 'a list, e.g. [edge]', 100)
  .describe('Words that --limit finds hosts by; those of groups and host add up.')
  .meta({ examples: [['edge', 'db']] });

/** What defaults, groups and hosts may all say; a host overrides its groups, and they override the defaults. */
const settings = {
  user: text('a user name, e.g. ops', /^[A-Za-z0-9_][^\s\p{C}@:/]*$/u)
    .describe('Who to log in as.')
    .meta({ examples: ['ops'] })
    .optional(),
  port: wholeNumber(1, 65535)
    .describe('The port of sshd.')
    .meta({ examples: [22] })
    .optional(),
  identity: text('the path of a private key, e.g. ~/.ssh/id_ed25519')
    .describe('The private key to log in with.')
    .meta({ examples: ['~/.ssh/id_ed25519'] })
    .optional(),
  agent: yesOrNo().describe('Whether keys of the SSH agent are tried.').optional(),
  sudo: yesOrNo().describe('Whether commands are run through sudo.').optional(),
  'sudo-password': sudoPassword.optional(),
  bastion: either(
    jump,
    list(jump, 'a list', 8),
    'user@host[:port], or a list of them in the order of the jumps',
  )
    .describe('The jump hosts on the way, nearest first; [] for none.')
    .meta({ examples: ['ops@gate', ['ops@gate', 'ops@inner:2222'], []] })
    .optional(),
  connection: oneOf(['ssh', 'local'])
    .describe('local: this machine itself, without SSH. A host called localhost is local unless ssh is said.')
    .optional(),
  'host-key': oneOf(['strict', 'accept-new'])
    .describe('accept-new records the key of a host that is met for the first time; strict refuses it.')
    .optional(),
  'known-hosts': text('the path of a known_hosts file')
    .describe('Host keys, instead of ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts.')
    .optional(),
  'connect-timeout': wholeNumber(1, 600).describe('Seconds to wait for a host to answer.').optional(),
  engine: either(
    text('a version', /^\d+\.\d+\.\d+[A-Za-z0-9.~+-]*$/),
    z.literal(false),
    'a version, e.g. "26.1.5", or false for no engine of ours',
  )
    .describe(
      'The engine that this host is to have: a bundle with another version is refused for it; false leaves it out.',
    )
    .meta({ examples: ['26.1.5', false] })
    .optional(),
  images: list(text('the name of an image, or a glob', WORD), 'a list, e.g. ["nginx:*"]', 1000)
    .describe(
      "Which of the bundle's images it gets, by name or glob; all when left out. Those of several groups add up.",
    )
    .meta({ examples: [['nginx:1.25', 'hub.company.com/web/*'], []] })
    .optional(),
  daemon: daemonShape.optional(),
};

const group = { ...settings, roles: roles.optional(), vars: vars.optional() };

const registry = map(
  {
    address: text('host or host:port, e.g. hub.company.com', WORD)
      .describe('The name that images carry.')
      .meta({ examples: ['hub.company.com', 'hub.company.com:5000'] }),
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
    name: text('a name, e.g. h1 or node[01:40]', WORD)
      .describe('What the host is called; may hold ranges.')
      .meta({ examples: ['h1', 'node[01:40]'] }),
    address: text('a host name or IP address', WORD)
      .describe('Where it is reached, with the same ranges; the name when left out.')
      .meta({ examples: ['10.77.0.11', 'node[01:40].site'] })
      .optional(),
    groups: list(text('the name of a group', NAME), 'a list, e.g. [workers]', 100)
      .describe('Its groups; of what they say, later ones win.')
      .meta({ examples: [['workers']] })
      .optional(),
    ...group,
  },
  'a map, e.g. { name: h1, address: 10.77.0.11 }',
);

const defaults = map(settings, 'a map, e.g. { user: ops }').describe('What holds for every host.').optional();

const groups = record(
  map(group, 'a map, e.g. { user: ops }').nullable(),
  'a map of group names, e.g. { workers: { user: ops } }',
)
  .describe('What holds for the hosts of a group, by its name.')
  .optional();

export const fleetSchema = map(
  {
    vars: vars.optional(),
    defaults,
    registry: registry.optional(),
    hosts: list(host, 'a list, e.g. [{ name: h1, address: 10.77.0.11 }]').describe('The hosts.'),
    groups,
  },
  'a map with a list of hosts',
).meta({ title: 'airferry fleet', description: 'The hosts behind the air gap (fleet.yaml).' });

/** What hosts share, on its own: read again for each host whose variables it uses. */
export const sharedSchema = map({ defaults, groups }, 'a map');

export type FleetShape = z.output<typeof fleetSchema>;
export type HostShape = FleetShape['hosts'][number];
export type SettingsShape = Pick<HostShape, keyof typeof settings>;
export type SharedShape = z.output<typeof sharedSchema>;
