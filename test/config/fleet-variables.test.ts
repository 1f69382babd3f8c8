import * as assert from 'uvu/assert';
import { type FleetHost, hostsOf, parseFleet } from '../../src/config/fleet.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/fleet-variables');

function hosts(text: string, environment: Record<string, string> = {}): FleetHost[] {
  return hostsOf(parseFleet(text, { file: 'fleet.yaml', home: '/home/ops', environment }));
}

function refusal(text: string, environment: Record<string, string> = {}): AirferryError {
  try {
    hosts(text, environment);
  } catch (error) {
    if (error instanceof AirferryError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const SITE = `vars: { site: plant, rack: r0, mtu: 1400 }
defaults: { bastion: "ops@gate.$\{rack}.$\{site}", port: "$\{PORT:-2222}" }
groups:
  left: { vars: { rack: r1 }, daemon: { values: { mtu: "$mtu", label: "mtu $mtu" } } }
  right: { vars: { rack: r2 } }
hosts:
  - { name: "node[1:2]", address: "node[1:2].$\{site}", groups: [left] }
  - { name: n3, groups: [left, right] }
  - { name: n4, groups: [right], vars: { rack: "r4-$\{site}" } }
  - { name: n5 }
`;

test('host over groups over environment over top: what defaults say is read with the variables of each host', () => {
  const found = hosts(SITE);
  assert.equal(
    found.map(({ bastion }) => bastion?.[0]),
    [
      'ops@gate.r1.plant',
      'ops@gate.r1.plant',
      'ops@gate.r2.plant',
      'ops@gate.r4-plant.plant',
      'ops@gate.r0.plant',
    ],
  );
  assert.equal(
    found.map(({ address }) => address),
    ['node1.plant', 'node2.plant', 'n3', 'n4', 'n5'],
  );
  const elsewhere = hosts(SITE, { site: 'yard', rack: 'env', PORT: '22' });
  assert.equal(
    elsewhere.map(({ bastion }) => bastion?.[0]),
    [
      'ops@gate.r1.yard',
      'ops@gate.r1.yard',
      'ops@gate.r2.yard',
      'ops@gate.r4-yard.yard',
      'ops@gate.env.yard',
    ],
  );
  assert.equal([found[0]?.port, elsewhere[0]?.port], [2222, 22], 'a number where a number is wanted');
});

test('a variable that stands alone keeps its type in daemon.json, within text it is text', () => {
  assert.equal(hosts(SITE)[0]?.daemon?.values, { mtu: 1400, label: 'mtu 1400' });
  const typed = hosts('hosts: [{ name: h, sudo: "$S", agent: "$A" }]', { S: 'false', A: 'true' })[0];
  assert.equal([typed?.sudo, typed?.agent], [false, true]);
});

test('a variable that is nowhere is a mistake at its place, for the first host that needs it', () => {
  const own = refusal('hosts:\n  - name: h\n    user: "$WHO"\n');
  assert.equal([own.code, own.where.line, own.where.column], ['FLEET_INVALID', 3, 11]);
  assert.is(own.message, '`hosts[0].user` needs the variable WHO, which is not set');
  assert.match(own.suggestions[0] ?? '', 'Set it under `vars`');
  const shared = refusal(
    'defaults: { user: "$who" }\nhosts: [{ name: a, vars: { who: x } }, { name: b }, { name: c }]',
  );
  assert.equal(
    [shared.where.line, shared.message],
    [1, '`defaults.user` needs the variable who, which is not set'],
  );
  const unused = hosts('groups: { g: { user: "$who" } }\nhosts: [{ name: a }]');
  assert.is(unused.length, 1, 'a group that nobody is in needs nothing');
  const wanted = refusal(`hosts: [{ name: h, user: "$\{WHO:?say who}" }]`);
  assert.match(wanted.message, 'needs the variable WHO, which is not set: say who');
});

test('what comes out of a variable has to be right as if it had been written', () => {
  const port = refusal('defaults:\n  port: "$P"\nhosts: [{ name: h }]', { P: '99999' });
  assert.equal(
    [port.where.line, port.message],
    [2, '`defaults.port` must be a whole number from 1 to 65535'],
  );
  const name = refusal('hosts: [{ name: "$N" }]', { N: '-oProxyCommand=x' });
  assert.match(name.message, '`hosts[0].name` must be a name');
  assert.match(
    refusal('vars: { a-b: x }\nhosts: [{ name: h }]').message,
    '`vars.a-b` must have letters, digits and _',
  );
  assert.match(refusal('hosts: [{ name: h, vars: { a: [x] } }]').message, 'hosts[0].vars.a');
  assert.match(refusal('hosts: [{ name: h, user: "a$" }]').suggestions[0] ?? '', '$$');
});

test('a plain dollar sign is written twice, and a file without any is read as it is', () => {
  assert.is(hosts('hosts: [{ name: h, user: "robot$$" }]')[0]?.user, 'robot$');
  assert.is(hosts(`vars: { empty: "" }\nhosts: [{ name: "h$\{empty}" }]`)[0]?.name, 'h');
});

test('variables that repeat one another are given up at a bound, not at the end of the memory', () => {
  const names = Array.from(
    { length: 30 },
    (_, i) => `  v${i}: "$\{${i === 0 ? 'X' : `v${i - 1}`}}$\{${i === 0 ? 'X' : `v${i - 1}`}}"`,
  );
  const text = `vars:\n${names.join('\n')}\nhosts: [{ name: h, user: "$v29" }]`;
  assert.match(refusal(text, { X: 'aaaaaaaa' }).message, /grows beyond \d MiB/);
});

test('images of groups add up, those of a host stand alone; engine and roles come with them', () => {
  const [a, b, c] = hosts(`defaults: { images: [base], engine: "20.10.24" }
groups:
  web: { images: ["nginx:*", base], roles: [edge], engine: 26.1.5 }
  db: { images: [mysql], roles: [data] }
hosts:
  - { name: a, groups: [web, db], roles: [first] }
  - { name: b, groups: [web], images: [], engine: false }
  - { name: c }
`);
  assert.equal([a?.images, b?.images, c?.images], [['nginx:*', 'base', 'mysql'], [], ['base']]);
  assert.equal([a?.engine, b?.engine, c?.engine], ['26.1.5', false, '20.10.24']);
  assert.equal(a?.roles, ['edge', 'data', 'first']);
});

test('a password comes from the environment or a file, and is never written here', () => {
  const [env, file] = hosts(
    'hosts: [{ name: a, sudo-password: { env: SUDO } }, { name: b, sudo-password: { file: ./sudo } }]',
  );
  assert.equal(env?.sudoPassword, { env: 'SUDO', at: { line: 1, column: 35 } });
  assert.is(file?.sudoPassword?.file?.endsWith('/sudo'), true);
  const both = refusal('hosts: [{ name: a, sudo-password: { env: A, file: b } }]');
  assert.is(both.code, 'FLEET_INVALID');
});

test.run();
