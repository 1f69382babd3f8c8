import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type ReachOptions, resolveFleet, wishesOf } from '../../src/actions/fleet.ts';
import { fleetCheck, fleetList } from '../../src/actions/fleet-list.ts';
import { AirferryError } from '../../src/errors.ts';
import { Secret } from '../../src/host/secret.ts';
import type { HostTarget } from '../../src/host/target.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('how each host is reached');
const dir = scratch();
let files = 0;

function file(text: string): string {
  const path = join(dir, `file${files++}`);
  writeFileSync(path, text);
  return path;
}

async function targets(options: ReachOptions): Promise<HostTarget[]> {
  const { members } = await resolveFleet({ sshConfig: 'none', environment: {}, ...options });
  return members.map(({ target }) => target);
}

async function refusal(promise: Promise<unknown>): Promise<AirferryError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AirferryError) return error;
  throw error ?? new Error('it was not refused');
}

const KEY = file('key');
const CONFIG = file(`Host alias
  HostName 10.0.0.9
  Port 2201
  User conf
  ProxyJump gate
Host gate
  HostName 10.0.0.1
  User gatekeeper
Host *
  IdentityFile ${KEY}
  ConnectTimeout 9
  StrictHostKeyChecking accept-new
`);

test('flags over the fleet over ssh’s configuration over what ssh does by itself', async () => {
  const bare = await targets({ hosts: ['alias'], sshConfig: CONFIG });
  const [alias] = bare;
  assert.equal(
    [
      alias?.name,
      alias?.address,
      alias?.port,
      alias?.user,
      alias?.identities,
      alias?.connectTimeoutMs,
      alias?.hostKey,
    ],
    ['alias', '10.0.0.9', 2201, 'conf', [KEY], 9_000, 'accept-new'],
  );
  assert.equal(
    alias?.bastions.map(({ user, address, port }) => `${user}@${address}:${port}`),
    ['gatekeeper@10.0.0.1:22'],
  );
  const fleetFile = file(
    'defaults: { user: ops, port: 22, host-key: strict, connect-timeout: 30, identity: /fleet }\nhosts: [{ name: h, address: alias, bastion: [] }]',
  );
  const [over] = await targets({ fleetFile, sshConfig: CONFIG });
  assert.equal(
    [
      over?.name,
      over?.address,
      over?.port,
      over?.user,
      over?.identities,
      over?.connectTimeoutMs,
      over?.hostKey,
    ],
    ['h', '10.0.0.9', 22, 'ops', ['/fleet'], 30_000, 'strict'],
  );
  assert.equal(over?.bastions, [], 'an empty list goes straight');
  const [named] = await targets({ hosts: ['me@alias:22'], sshConfig: CONFIG, identities: ['/flag'] });
  assert.equal([named?.user, named?.port, named?.identities], ['me', 22, ['/flag']]);
  const [plain] = await targets({ hosts: ['me@alias'] });
  assert.equal([plain?.address, plain?.port, plain?.hostKey], ['alias', 22, undefined]);
});

test('jumps of the fleet are reached as ssh’s configuration says, and the first one may have jumps of its own', async () => {
  const config = file('Host inner\n HostName 10.0.0.2\n ProxyJump outer\nHost outer\n Port 2200\n');
  const fleetFile = file('hosts: [{ name: h, user: ops, bastion: [inner, "last:23"] }]');
  const [h] = await targets({ fleetFile, sshConfig: config });
  assert.equal(
    h?.bastions.map(({ address, port }) => `${address}:${port}`),
    ['outer:2200', '10.0.0.2:22', 'last:23'],
  );
  const loop = file('Host a\n ProxyJump b\nHost b\n ProxyJump a\n');
  const error = await refusal(targets({ hosts: ['a'], sshConfig: loop }));
  assert.is(error.code, 'SSH_CONFIG_INVALID');
  assert.match(error.message, 'never end');
});

test('a ProxyCommand is never run: the host is refused with its line, unless the fleet says another way', async () => {
  const config = file('Host *\n\n  ProxyCommand nc %h %p\n');
  const error = await refusal(targets({ hosts: ['h'], sshConfig: config }));
  assert.equal([error.code, error.where.file, error.where.line], ['SSH_CONFIG_INVALID', config, 3]);
  const fleetFile = file('hosts: [{ name: h, bastion: [] }]');
  assert.is((await targets({ fleetFile, sshConfig: config })).length, 1);
});

test('localhost is this machine, unless somebody is to log in there', async () => {
  const local = async (text: string): Promise<boolean | undefined> =>
    (await targets({ hosts: [text] }))[0]?.local;
  assert.is(await local('localhost'), true);
  assert.is(await local('ops@localhost'), undefined);
  assert.is(await local('localhost:2222'), undefined);
  const fleetFile = file(
    'hosts: [{ name: localhost }, { name: me, connection: local }, { name: s, address: localhost }, { name: localhost2, address: localhost, connection: local }]',
  );
  assert.equal(
    (await targets({ fleetFile })).map(target => Boolean(target.local)),
    [true, true, false, true],
  );
});

test('sudo passwords come from flags, else from where the fleet says, and are not in what is shown', async () => {
  const secret = file('from a file\nrest\n');
  const fleetFile = file(
    `hosts: [{ name: a, sudo-password: { env: SUDO } }, { name: b, sudo-password: { file: ${secret} } }]`,
  );
  const environment = { SUDO: 'from the environment' };
  const found = await targets({ fleetFile, environment });
  assert.equal(
    found.map(({ sudoPassword }) => sudoPassword?.reveal()),
    ['from the environment', 'from a file'],
  );
  const [flag] = await targets({ fleetFile, environment, sudoPassword: new Secret('flag') });
  assert.is(flag?.sudoPassword?.reveal(), 'flag');
  const missing = await refusal(targets({ fleetFile }));
  assert.equal([missing.code, missing.where.line], ['FLEET_INVALID', 1]);
  assert.not.match(JSON.stringify(await fleetList({ fleetFile, sshConfig: 'none', environment })), 'from ');
  const gone = file('hosts: [{ name: b, sudo-password: { file: ./nowhere } }]');
  assert.is((await refusal(targets({ fleetFile: gone }))).code, 'FILE_NOT_FOUND');
});

const FLEET = `defaults: { user: ops }
hosts:
  - { name: "n[1:3]", groups: [web], roles: [edge] }
  - { name: db, address: 10.0.0.9, engine: false }
  - { name: db2, address: 10.0.0.9, images: [mysql] }
groups: { web: { images: [nginx] }, lonely: }
`;

test('a limit is among the hosts that are named, and among all where none are', async () => {
  const fleetFile = file(FLEET);
  const names = async (options: ReachOptions): Promise<string> =>
    (await targets({ fleetFile, ...options })).map(({ name }) => name).join(' ');
  assert.is(await names({ limit: ['web,!n2'] }), 'n1 n3');
  assert.is(await names({ limit: ['edge'], hosts: ['n1', 'db'] }), 'n1');
  assert.is(await names({ limit: ['!n1'], hosts: ['n1', 'ops@10.1.1.1'] }), '10.1.1.1');
  assert.is((await refusal(names({ limit: ['db'], hosts: ['n1'] }))).code, 'USAGE');
  assert.match((await refusal(names({ limit: ['webb'] }))).suggestions.join(), 'web');
  const alone = await targets({ hosts: ['a@h1', 'a@h2'], limit: ['!h1'] });
  assert.equal(
    alone.map(({ name }) => name),
    ['h2'],
  );
});

test('what a host is to be comes with it, for the phases and for the list', async () => {
  const fleetFile = file(FLEET);
  const { members } = await resolveFleet({ fleetFile, sshConfig: 'none', environment: {} });
  const wishes = Object.fromEntries(members.map(member => [member.target.name, wishesOf(member)]));
  assert.equal(wishes, {
    n1: { imageSet: ['nginx'] },
    n2: { imageSet: ['nginx'] },
    n3: { imageSet: ['nginx'] },
    db: { engine: false },
    db2: { imageSet: ['mysql'] },
  });
  const check = await fleetCheck({ fleetFile, sshConfig: 'none', environment: {} });
  assert.equal([check.hosts, check.groups], [5, 2]);
  assert.equal(check.warnings, [
    'no host is in the group lonely',
    'db (line 4) and db2 (line 5) have the same address',
  ]);
});

test('what ssh’s configuration says that cannot be followed is a warning, once for each line', async () => {
  const config = file('Match exec "true"\n User x\nPort many\n');
  const fleet = await resolveFleet({ hosts: ['a', 'b', 'c'], sshConfig: config, environment: {} });
  // The Port stands in the block that is passed over.
  assert.equal(fleet.notes, [`${config}:1: Match exec is not followed: its lines are passed over`]);
});

test.run();
