/** Our reading of ssh_config against that of the OpenSSH client itself, `ssh -G`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadSshConfig } from '../../../src/host/ssh-config/load.ts';
import { resolveSshConfig, type SshSettings } from '../../../src/host/ssh-config/resolve.ts';
import { expandTokens } from '../../../src/host/ssh-config/tokens.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';

const test = suite('host/ssh-config against OpenSSH', { timeout: 60_000 });
const dir = scratch();
const reason = spawnSync('ssh', ['-V']).error ? 'there is no ssh on this machine' : undefined;

const FILES: [what: string, text: string, hosts: string[]][] = [
  [
    'patterns, negation and the first value',
    `Host gate
  HostName gate.site
  User admin
  Port 2200
Host *.site !bad.site 10.77.0.?
  User ops
  IdentityFile ~/.ssh/site_%h
  ServerAliveInterval 20
Host *
  User nobody
  Port 22
  IdentityFile ~/.ssh/id_all
  ServerAliveInterval 1m30s
  ServerAliveCountMax 5
`,
    ['gate', 'a.site', 'bad.site', '10.77.0.7', '10.77.0.77', 'GATE', 'A.SITE'],
  ],
  [
    'equals signs, quotes, comments, cases and blanks',
    `  user=ops   # the operator
HOSTNAME "node %h"
Port = 2022
IdentityFile "~/my keys/id"
identityfile '/k/%r'
IdentitiesOnly yes
	ConnectTimeout	7
StrictHostKeyChecking=accept-new
UserKnownHostsFile ~/.ssh/a "/tmp/b c"
GlobalKnownHostsFile none
HostKeyAlias the-alias
`,
    ['h1'],
  ],
  [
    'Match by host, originalhost, user, localuser, all',
    `Host short
  HostName short.site
Match host *.site
  Port 1111
Match originalhost short
  IdentityFile /from-original
Match user ops
  IdentityFile /from-user
Match host other,*.lan user "root,ops"
  ServerAliveInterval 3
Match !host short.site
  ConnectTimeout 4
Match localuser ${userInfo().username}
  HostKeyAlias mine
Match localuser !${userInfo().username},*
  HostKeyAlias theirs
Match all
  User ops
  ServerAliveCountMax 9
Match user ops
  IdentityFile /at-the-end
`,
    ['short', 'x.lan', 'other', 'ops@x.lan', 'root@short'],
  ],
  [
    'ProxyJump and ProxyCommand, whichever comes first',
    `Host a
  ProxyJump ops@gate:2222,inner
  ProxyCommand nc %h %p
Host b
  ProxyCommand nc %h %p
  ProxyJump gate
Host c
  ProxyJump none
Host *
  ProxyJump last
`,
    ['a', 'b', 'c', 'd'],
  ],
  [
    'StrictHostKeyChecking in all its words',
    'Host a\n StrictHostKeyChecking no\nHost b\n StrictHostKeyChecking ask\nHost c\n StrictHostKeyChecking off\nHost d\n StrictHostKeyChecking yes\n',
    ['a', 'b', 'c', 'd', 'e'],
  ],
  [
    'Include, conditional, with globs, and blocks inside',
    `Include ${dir}/inc/*.conf ${dir}/missing
Host in
  Include ${dir}/inside
  Port 5
Host *
  Port 6
`,
    ['in', 'out', 'one', 'two'],
  ],
];

/** What `ssh -G` says, by keyword; several lines of one keyword are several values. */
function openssh(file: string, host: string): Map<string, string[]> {
  const said = execFileSync('ssh', ['-F', file, '-G', host], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const values = new Map<string, string[]>();
  for (const line of said.split('\n')) {
    const [, key = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return values;
}

/** Ours in the words of `ssh -G`, with OpenSSH's defaults where nothing is said. */
function ours(settings: SshSettings, host: string, user: string | undefined): Record<string, string[]> {
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  const one = (value: unknown): string[] => (value === undefined ? [] : [String(value)]);
  const hostName = settings.hostName ? expandTokens(settings.hostName.value, { h: host }) : host;
  return {
    hostname: one(hostName?.toLowerCase()),
    user: one(user ?? settings.user?.value ?? userInfo().username),
    port: one(settings.port?.value ?? 22),
    identitiesonly: one(yes(settings.identitiesOnly?.value ?? false)),
    connecttimeout: one(settings.connectTimeout?.value ?? 'none'),
    serveraliveinterval: one(settings.aliveInterval?.value ?? 0),
    serveralivecountmax: one(settings.aliveCountMax?.value ?? 3),
    hostkeyalias: one(settings.hostKeyAlias?.value),
    proxyjump: one(settings.proxyJump?.value === 'none' ? undefined : settings.proxyJump?.value),
    proxycommand: one(settings.proxyCommand?.value),
    ...(settings.identityFiles.length > 0
      ? { identityfile: settings.identityFiles.map(({ value }) => value) }
      : {}),
    ...(settings.userKnownHosts
      ? { userknownhostsfile: [settings.userKnownHosts.value.join(' ').replace('~', homedir())] }
      : {}),
    ...(settings.globalKnownHosts
      ? { globalknownhostsfile: [settings.globalKnownHosts.value.join(' ')] }
      : {}),
  };
}

const STRICT: Record<string, string> = {
  true: 'strict',
  ask: 'strict',
  false: 'accept-new',
  'accept-new': 'accept-new',
};

mkdirSync(join(dir, 'inc'));
writeFileSync(join(dir, 'inc/10.conf'), 'Host one\n User first\n');
writeFileSync(join(dir, 'inc/20.conf'), 'User second\nHost two\n Port 4\n');
writeFileSync(join(dir, 'inc/.30.conf'), 'Port 1\n');
writeFileSync(
  join(dir, 'inside'),
  'IdentityFile /inside\nHost out\n IdentityFile /never\nHost in\n IdentityFile /both\n',
);

for (const [index, [what, text, hosts]] of FILES.entries()) {
  if (reason !== undefined) test.skip(what, reason);
  else
    test(what, () => {
      const file = join(dir, `config${index}`);
      writeFileSync(file, text, { mode: 0o600 });
      const { files, mistakes } = loadSshConfig({ file, home: homedir(), environment: process.env });
      assert.equal(mistakes, []);
      for (const word of hosts) {
        const [user, host = ''] = word.includes('@') ? word.split('@') : [undefined, word];
        const { settings, mistakes } = resolveSshConfig(files, {
          host,
          user,
          localUser: userInfo().username,
        });
        assert.equal(mistakes, [], word);
        const theirs = openssh(file, word);
        for (const [key, values] of Object.entries(ours(settings, host, user)))
          assert.equal(values, theirs.get(key) ?? [], `${word}: ${key}`);
        const strict = theirs.get('stricthostkeychecking')?.[0] ?? '';
        assert.is(settings.hostKey?.value ?? 'strict', STRICT[strict], `${word}: ${strict}`);
      }
    });
}

test.run();
