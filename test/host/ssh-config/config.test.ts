import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type SshDefaults, sshDefaults } from '../../../src/host/ssh-config/defaults.ts';
import { loadSshConfig } from '../../../src/host/ssh-config/load.ts';
import { parseSshConfig, splitArguments } from '../../../src/host/ssh-config/parse.ts';
import { resolveSshConfig } from '../../../src/host/ssh-config/resolve.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';

const test = suite('host/ssh-config');
const home = scratch();
mkdirSync(join(home, '.ssh'));
const around = { home, localUser: 'me', environment: { KEYS: '/keys', SSH_AUTH_SOCK: '/agent' } };

function defaults(text: string, host = 'h1', user?: string): SshDefaults {
  const { directives, mistakes } = parseSshConfig(text, 'config');
  const found = sshDefaults({ files: [directives], mistakes }, { host, user }, around);
  return { ...found, mistakes: [...mistakes, ...found.mistakes] };
}

test('tokens, ~ and variables are expanded, and only files that exist are keys', () => {
  for (const name of ['a.site', 'ops_h1', 'id']) writeFileSync(join(home, '.ssh', name), '');
  const text =
    'Host h1\n HostName %h.site\nHost *\n HostName x\n User ops\n IdentityFile ~/.ssh/%r_%n\n IdentityFile %d/.ssh/id\n IdentityFile ~/.ssh/none\n';
  const found = defaults(text);
  assert.is(found.address, 'h1.site');
  assert.equal(found.identities, [join(home, '.ssh/ops_h1'), join(home, '.ssh/id')]);
  assert.equal(found.mistakes, []);
  assert.match(defaults('IdentityFile /x/%Z').mistakes[0]?.message ?? '', 'token that is not known');
});

test('agents, known_hosts, times and host keys are in our words', () => {
  const found = defaults(
    'IdentityAgent $SSH_AUTH_SOCK\nUserKnownHostsFile $' +
      '{KEYS}/known none\nStrictHostKeyChecking no\nConnectTimeout 1m\nServerAliveInterval 20\nHostKeyAlias x\nIdentitiesOnly yes',
  );
  assert.equal(
    [
      found.agent,
      found.hostKey,
      found.connectTimeoutMs,
      found.keepaliveMs,
      found.hostKeyAlias,
      found.identitiesOnly,
    ],
    ['/agent', 'accept-new', 60_000, 20_000, 'x', true],
  );
  assert.equal(found.knownHosts, ['/keys/known', '/etc/ssh/ssh_known_hosts']);
  assert.is(defaults('IdentityAgent none').agent, '');
  assert.equal(defaults('ProxyJump none').jumps?.value, []);
  assert.equal(defaults('ProxyJump a,ops@b:22').jumps, { value: ['a', 'ops@b:22'], file: 'config', line: 1 });
  assert.is(defaults('ProxyCommand none').proxyCommand, undefined);
  assert.equal(defaults('\nProxyCommand  nc %h %p').proxyCommand, {
    value: 'nc %h %p',
    file: 'config',
    line: 2,
  });
});

test('Match exec is never run: its lines are passed over, with a word about it', () => {
  const mark = join(home, 'ran');
  const found = defaults(
    `Match exec "touch ${mark}"\n User evil\nMatch host h1 exec true\n Port 1\nMatch all\n Port 2\n`,
  );
  assert.equal([found.user, found.port], [undefined, 2]);
  assert.equal(
    found.mistakes.map(({ line, message }) => `${line} ${message}`),
    [
      '1 Match exec is not followed: its lines are passed over',
      '3 Match exec is not followed: its lines are passed over',
    ],
  );
  assert.is(defaults('Match final\n User x').user, undefined);
});

test('a wrong line is told with its place, and the next right one holds', () => {
  const found = defaults(
    'Port abc\nPort 70000\nPort 22x\nPort 2200\nStrictHostKeyChecking maybe\nConnectTimeout soon\nUser "ops\n=\nUser\n',
  );
  assert.is(found.port, 2200);
  assert.is(found.user, undefined);
  assert.equal(found.mistakes.map(({ line }) => line).sort(), [1, 2, 3, 5, 6, 7, 8, 9]);
});

test('Match user is held against the user that is known, from wherever', () => {
  const text = 'Match user root\n Port 1\nMatch user ops\n Port 2\nMatch user me\n Port 3\n';
  assert.equal(
    [defaults(text, 'h', 'root').port, defaults(text, 'h', 'ops').port, defaults(text).port],
    [1, 2, 3],
  );
});

test('Includes that name each other, or everything, come to an end', () => {
  const dir = scratch();
  const file = join(dir, 'loop');
  writeFileSync(file, `Include ${file}\nUser ops\n`);
  const { files, mistakes } = loadSshConfig({ file, home, environment: {} });
  assert.match(mistakes[0]?.message ?? '', 'too deep');
  assert.is(resolveSshConfig(files, { host: 'h', localUser: 'me' }).settings.user?.value, 'ops');
  const bomb = join(dir, 'bomb');
  writeFileSync(bomb, `Include ${bomb} ${bomb} ${bomb}\n`);
  const started = performance.now();
  assert.ok(loadSshConfig({ file: bomb, home, environment: {} }).mistakes.length > 0);
  assert.ok(performance.now() - started < 2_000);
});

test('files that are not there say nothing, unless they were asked for', () => {
  const nowhere = { home: join(home, 'nobody'), environment: {}, system: join(home, 'none') };
  assert.equal(loadSshConfig(nowhere).files, [[], []]);
  assert.equal(loadSshConfig({ ...nowhere, file: 'none' }).files, []);
  try {
    loadSshConfig({ ...nowhere, file: join(home, 'missing') });
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code: string }).code, 'FILE_NOT_FOUND');
  }
});

test('arguments are split as OpenSSH splits them', () => {
  assert.equal(splitArguments(`a "b c" 'd "e' f\\ g "h\\"i" # rest`), ['a', 'b c', 'd "e', 'f g', 'h"i']);
  assert.equal(splitArguments('a#b'), ['a#b']);
  assert.is(splitArguments('"open'), undefined);
});

test('rubbish of any kind is read in time, and never throws', () => {
  const started = performance.now();
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const words = [
    'Host',
    'Match',
    'all',
    'host',
    'exec',
    '!',
    '*',
    '?',
    '"',
    "'",
    '\\',
    '=',
    '#',
    ',',
    '%h',
    '%',
    '~',
    '$',
    '{',
    '\0',
    '\r',
    '\t',
    ' ',
    '\n',
    'Port',
    '99999999999',
    'IdentityFile',
    'ProxyJump',
    'Include',
    'é',
    'User',
  ];
  for (let round = 0; round < 2_000; round++) {
    const text = Array.from({ length: random(60) }, () => words[random(words.length)]).join(
      random(2) ? ' ' : '',
    );
    defaults(text);
  }
  defaults(`Host ${'*a'.repeat(4_000)}b\n User x`, 'a'.repeat(250));
  defaults('x'.repeat(1 << 20));
  defaults('\n'.repeat(1 << 20));
  defaults(`Host h1\n${'IdentityFile /x\n'.repeat(50_000)}`);
  assert.ok(performance.now() - started < 10_000, `${performance.now() - started} ms`);
});

test.run();
