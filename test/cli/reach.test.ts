import * as assert from 'uvu/assert';
import { hostsOptions, reachOptions, retryCommand } from '../../src/cli/reach.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('reach');
const FLAGS = {
  parallel: 10,
  'accept-new': false,
  'connect-timeout': 15,
  'ask-password': false,
  'ask-passphrase': false,
  'ask-sudo-password': false,
  'no-sudo': false,
  yes: false,
};

const VARIABLES = ['AIRFERRY_SSH_PASSWORD', 'AIRFERRY_SSH_PASSPHRASE', 'AIRFERRY_SUDO_PASSWORD'] as const;
const clear = (): void => {
  for (const name of VARIABLES) delete process.env[name];
};
test.beforeEach(clear);
test.afterEach(clear);

test('secrets come out of the environment, and cannot be printed by accident', async () => {
  process.env.AIRFERRY_SSH_PASSWORD = 'ferry';
  process.env.AIRFERRY_SUDO_PASSWORD = 'boat';
  const options = await reachOptions({ ...FLAGS, host: ['ops@10.77.0.11'] });
  assert.is(options.password?.reveal(), 'ferry');
  assert.is(options.sudoPassword?.reveal(), 'boat');
  assert.is(options.passphrase, undefined);
  assert.not.match(JSON.stringify(options), /ferry|boat/);
});

test('without a terminal nothing is asked; the error names the variable', async () => {
  for (const [flag, variable] of [
    ['ask-password', 'AIRFERRY_SSH_PASSWORD'],
    ['ask-passphrase', 'AIRFERRY_SSH_PASSPHRASE'],
    ['ask-sudo-password', 'AIRFERRY_SUDO_PASSWORD'],
  ] as const) {
    try {
      await reachOptions({ ...FLAGS, [flag]: true, yes: true });
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof AirferryError);
      assert.is(error.code, 'CONFIRMATION_NEEDED');
      assert.is(error.exit, 2);
      assert.match(error.suggestions[0] ?? '', variable);
    }
  }
});

test('the flag for no sudo is a no, its absence leaves it to the fleet file', async () => {
  assert.is((await reachOptions({ ...FLAGS, 'no-sudo': true })).sudo, false);
  assert.is((await reachOptions(FLAGS)).sudo, undefined);
});

test('seconds on the command line are milliseconds inside', () => {
  const options = hostsOptions({ ...FLAGS, 'connect-timeout': 30, 'known-hosts': ['x'], 'accept-new': true });
  assert.equal(options, {
    knownHosts: { files: ['x'], acceptNew: true },
    parallel: 10,
    connectTimeoutMs: 30_000,
  });
});

test('the command to retry names only the hosts that failed, as they were given', () => {
  const argv = [
    'host',
    'install',
    '-b',
    'my site.tar',
    '--host',
    'ops@10.0.0.1',
    '-H',
    'ops@10.0.0.2',
    '--host=c',
  ];
  assert.is(retryCommand(argv, ['10.0.0.2']), "airferry host install -b 'my site.tar' --host ops@10.0.0.2");
  assert.is(
    retryCommand(['host', 'install', '-F', 'fleet.yaml', '-b', 'x'], ['h1', 'h7']),
    'airferry host install -F fleet.yaml -b x --host h1 --host h7',
  );
});

test('--accept-new is --host-key accept-new; without a word it is left to the fleet and to ssh', () => {
  const policy = (flags: object) => hostsOptions({ ...FLAGS, ...flags }).knownHosts;
  assert.equal(policy({}), { files: [], acceptNew: false });
  assert.equal(policy({ 'host-key': 'accept-new' }), { files: [], acceptNew: true });
  assert.equal(policy({ 'host-key': 'strict' }), { files: [], acceptNew: false, strict: true });
});

test('a retry names its hosts, and drops the limit that they came from', () => {
  const argv = ['host', 'status', '-F', 'f.yaml', '--limit', 'web,!h1', '--limit=x', '-v'];
  assert.is(retryCommand(argv, ['h2']), 'airferry host status -F f.yaml -v --host h2');
});

test.run();
