import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { resolveFleet } from '../../src/actions/fleet.ts';
import { AirferryError } from '../../src/errors.ts';
import { Secret } from '../../src/host/secret.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('hosts of an action');
const dir = scratch();

const FLEET = `defaults: { user: ops, identity: ./key, bastion: gate@10.0.0.1:2222 }
registry: { address: "hub.company.com:5000", ip: 172.11.1.107, insecure: true }
hosts:
  - { name: h1, address: 10.77.0.11, port: 2200 }
  - { name: "node[01:02]", address: "node[01:02].site", bastion: [], sudo: false, groups: [workers] }
groups:
  workers: { daemon: { template: production, values: { bip: 172.7.5.1/24 } } }
`;

function fleetFile(text = FLEET, name = 'fleet.yaml'): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, AirferryError);
  return (error as AirferryError).code;
}

test('the hosts of a fleet come with login, bastions, daemon.json and registry', async () => {
  const fleet = await resolveFleet({
    fleetFile: fleetFile(),
    identities: ['/flag'],
    sudoPassword: new Secret('x'),
    environment: {},
  });
  assert.equal(
    fleet.members.map(({ target }) => target.name),
    ['h1', 'node01', 'node02'],
  );
  const [h1, node] = fleet.members;
  assert.equal(h1?.target.identities, ['/flag', join(dir, 'key')]);
  assert.equal(
    [h1?.target.user, h1?.target.address, h1?.target.port, h1?.target.sudo],
    ['ops', '10.77.0.11', 2200, true],
  );
  const [gate] = h1?.target.bastions ?? [];
  assert.equal([gate?.user, gate?.address, gate?.port], ['gate', '10.0.0.1', 2222]);
  assert.equal(node?.target.bastions, []);
  assert.is(node?.target.sudo, false);
  assert.equal(node?.daemon, { template: 'production', values: { bip: '172.7.5.1/24' } });
  assert.equal(fleet.registry, { address: 'hub.company.com:5000', ip: '172.11.1.107', insecure: true });
});

test('hosts are named on the command line alone, or out of the fleet', async () => {
  const alone = await resolveFleet({ hosts: ['ops@10.0.0.5:2022', 'root@h9'], environment: {} });
  assert.equal(
    alone.members.map(({ target }) => `${target.name} ${target.user} ${target.port}`),
    ['10.0.0.5:2022 ops 2022', 'h9 root 22'],
  );
  const some = await resolveFleet({
    fleetFile: fleetFile(),
    hosts: ['node02', 'admin@10.9.9.9'],
    environment: {},
  });
  assert.equal(
    some.members.map(({ target }) => `${target.user}@${target.address}`),
    ['ops@node02.site', 'admin@10.9.9.9'],
  );
  assert.is(some.members[1]?.target.bastions.length, 1, 'the defaults of the fleet hold');
});

test('no hosts, unknown ones and the same one twice are refused', async () => {
  assert.is(await codeOf(resolveFleet({})), 'USAGE');
  assert.is(await codeOf(resolveFleet({ fleetFile: fleetFile(), hosts: ['node3'] })), 'USAGE');
  assert.is(await codeOf(resolveFleet({ hosts: ['ops@h1', 'root@h1'] })), 'USAGE');
  assert.is(await codeOf(resolveFleet({ fleetFile: join(dir, 'none.yaml') })), 'FILE_NOT_FOUND');
});

test('a CA that is no certificate is refused at its line, a missing one is named', async () => {
  writeFileSync(join(dir, 'ca.crt'), 'hello');
  const text = FLEET.replace('insecure: true', 'ca: ./ca.crt');
  assert.is(await codeOf(resolveFleet({ fleetFile: fleetFile(text, 'ca.yaml') })), 'FLEET_INVALID');
  const missing = text.replace('./ca.crt', './none.crt');
  assert.is(await codeOf(resolveFleet({ fleetFile: fleetFile(missing, 'none-ca.yaml') })), 'FILE_NOT_FOUND');
});

test.run();
