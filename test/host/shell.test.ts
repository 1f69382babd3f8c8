import * as assert from 'uvu/assert';
import { Secret } from '../../src/host/secret.ts';
import { suite } from '../support/suite.ts';
import { failure, SUDO_PASSWORD, site } from './site.ts';

const test = suite('host/shell');
const withPassword = { sudoPassword: new Secret(SUDO_PASSWORD) };

test('words and scripts run in the C locale, with the folders of system commands on the path', async () => {
  await using at = await site();
  assert.is((await at.shell.run(['printf', '%s', "it's $HOME"])).stdout, "it's $HOME");
  const { stdout } = await at.shell.run('echo "$LC_ALL"; umask\necho "$PATH"');
  assert.match(stdout, /^C\n0022\n.*:\/usr\/sbin:\/sbin/);
});

test('root runs as root without sudo', async () => {
  await using at = await site();
  assert.is((await at.shell.run('id -u', { root: true })).stdout, '0\n');
  assert.equal(await at.shell.rootAccess(), { uid: 0, how: 'root' });
});

test('sudo without a password is used as such, and payloads arrive untouched', async () => {
  await using at = await site({ privilege: 'open' });
  assert.is((await at.shell.run('id -u; cat', { root: true, stdin: 'one\ntwo' })).stdout, '0\none\ntwo');
  assert.is((await at.shell.run('id -u')).stdout, '1000\n');
  assert.is((await at.shell.rootAccess()).how, 'sudo');
});

test('sudo with a password gets it on stdin alone, and the payload follows it', async () => {
  await using at = await site({ privilege: 'password', target: withPassword });
  const payload = Buffer.concat([Buffer.from('\n\nnot a password\n'), Buffer.alloc(3_000_000, 0xa5)]);
  const { bytes } = await at.shell.run('cat', { root: true, stdin: payload, maxOutput: 4_000_000 });
  assert.ok(bytes.equals(payload));
  assert.is((await at.shell.run('id -u; cat', { root: true })).stdout, '0\n');
  const results = await Promise.all(
    [1, 2, 3, 4].map(n => at.shell.run('cat', { root: true, stdin: `${n}` })),
  );
  assert.equal(
    results.map(result => result.stdout),
    ['1', '2', '3', '4'],
  );
  assert.not.match(at.server.commands.join('\n') + at.sudoCalls(), 'ferry 77');
});

test('a wrong sudo password is tried once, and never takes the payload for a guess', async () => {
  await using at = await site({ privilege: 'password', target: { sudoPassword: new Secret('wrong') } });
  const error = await failure(at.shell.run('cat', { root: true, stdin: 'a\nb\nc\n' }), 'HOST_SUDO');
  assert.match(error.message, 'does not accept the password');
  assert.is(at.sudoCalls().trim().split('\n').length, 2);
});

test('each reason why sudo refuses has its own words', async () => {
  const reasons = [
    ['password', {}, /wants a password and none was given/],
    ['tty', withPassword, /requiretty/],
    ['denied', withPassword, /may not use sudo/],
    ['password', { sudo: false }, /switched off/],
  ] as const;
  for (const [privilege, target, words] of reasons) {
    await using at = await site({ privilege, target });
    assert.match((await failure(at.shell.run('true', { root: true }), 'HOST_SUDO')).message, words);
  }
  await using at = await site({ script: () => ({ stdout: '1000\nmissing\n' }) });
  assert.match((await failure(at.shell.run('true', { root: true }), 'HOST_SUDO')).message, /not installed/);
});

test('a login shell that is none is told', async () => {
  await using at = await site({ script: () => ({ stdout: 'Welcome to SwitchOS\n' }) });
  await failure(at.shell.run('true', { root: true }), 'HOST_COMMAND_FAILED');
});

test('a command that fails says which, how, and the last that it said', async () => {
  await using at = await site();
  const script = 'for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 4';
  const error = await failure(at.shell.run(script, { title: 'lay out the release' }), 'HOST_COMMAND_FAILED');
  assert.match(error.message, /"lay out the release" failed with status 4/);
  assert.match(error.message, /: line 3\n.*line 7$/s);
  assert.match((await failure(at.shell.run(['false']), 'HOST_COMMAND_FAILED')).message, '"false" failed');
  assert.is((await at.shell.run(['false'], { check: false })).status, 1);
});

test('a full disk is told as such whatever the command', async () => {
  await using at = await site();
  await failure(
    at.shell.run("echo 'tar: x: Cannot write: No space left on device' >&2; exit 2"),
    'HOST_DISK_FULL',
  );
});

test('a secret is not in the errors', async () => {
  await using at = await site({ privilege: 'password', target: withPassword });
  const error = await failure(at.shell.run('exit 1', { root: true }), 'HOST_COMMAND_FAILED');
  assert.not.match(JSON.stringify(error) + error.message, 'ferry 77');
});

test.run();
