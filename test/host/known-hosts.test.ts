import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import {
  fingerprint,
  formatKnownHost,
  hostKeyAlgorithms,
  judgeHostKey,
  type KnownHost,
  matchesHost,
  parseKnownHosts,
} from '../../src/host/known-hosts.ts';
import { readKnownHosts, rememberHostKey } from '../../src/host/known-hosts-file.ts';
import { keyBlob, newKey } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/known-hosts');

/** Made by OpenSSH's ssh-keygen, with the fingerprint that `ssh-keygen -lf` printed. */
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILp5YZkHJ7keyIaX7Md4Zjg1NWH7kuhQw8/lU+8yqcOG';
const OTHER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJreTxB79b31tBolKQX2zyf58K9UnFtXdKYdOV+0qIjs';
const HASHED = `|1|JFKZsdy60VwP+YcWGrGeXNJtDaE=|HGEQINGRDRVN5xYCHP3p3hYIWuo= ${KEY}
|1|Ey04PqJoy/RZX/41+50KhvIdfHA=|nH8OWZ9n0tE+I4nBzppAUpRw9y4= ${OTHER}
`;
const key = keyBlob(KEY);
const other = keyBlob(OTHER);
const rsa = newKey('rsa').public.trim();
const ecdsa = newKey('ecdsa').public.trim();

function parse(text: string): KnownHost[] {
  return parseKnownHosts(text, '/home/ops/.ssh/known_hosts');
}

function verdict(text: string, address: string, port: number, shown: Buffer): string {
  return judgeHostKey(parse(text), address, port, shown).verdict;
}

test('fingerprints are those of ssh-keygen', () => {
  assert.is(fingerprint(key), 'SHA256:baWCRQ73e3srJ4V28Q4wuw2Mwf/gb20QArunY6n6ih4');
});

test('hashed names that ssh-keygen -H made are found, with and without a port', () => {
  assert.is(verdict(HASHED, 'h1.site', 22, key), 'match');
  assert.is(verdict(HASHED, 'H1.site', 22, key), 'match');
  assert.is(verdict(HASHED, 'h1.site', 2222, other), 'match');
  assert.is(verdict(HASHED, 'h1.site', 2222, key), 'changed');
  assert.is(verdict(HASHED, 'h2.site', 22, key), 'unknown');
});

test('patterns match as sshd(8) says', () => {
  assert.ok(matchesHost('h1,h2,10.77.0.*', '10.77.0.11'));
  assert.ok(matchesHost('*.site', 'node01.site'));
  assert.ok(matchesHost('node??.site', 'node01.site'));
  assert.not(matchesHost('node?.site', 'node01.site'));
  assert.not(matchesHost('*.site,!gate.site', 'gate.site'));
  assert.not(matchesHost('!gate.site', 'h1.site'));
  assert.ok(matchesHost('[*.site]:2222', '[h1.site]:2222'));
  assert.not(matchesHost('h1', 'h11'));
  assert.not(matchesHost('', 'h1'));
});

test('a pattern made to take for ever does not', () => {
  const started = performance.now();
  assert.not(matchesHost('*a'.repeat(2_000), `${'a'.repeat(1_999)}b`));
  assert.ok(performance.now() - started < 1_000);
});

test('a changed key is told with every line that knows another one', () => {
  const entries = parse(`# a comment\n\nh1 ${KEY}\nh1 ${rsa}\n`);
  const result = judgeHostKey(entries, 'h1', 22, other);
  assert.is(result.verdict, 'changed');
  assert.equal(result.verdict === 'changed' && result.entries.map(entry => entry.line), [3, 4]);
});

test('several keys of a host are all good', () => {
  const text = `h1 ${KEY}\nh1 ${OTHER}\n`;
  assert.is(verdict(text, 'h1', 22, key), 'match');
  assert.is(verdict(text, 'h1', 22, other), 'match');
});

test('a host that shows a type of key by which it is not known counts as changed', () => {
  assert.is(verdict(`h1 ${KEY}\n`, 'h1', 22, keyBlob(ecdsa)), 'changed');
});

test('an entry without the port vouches for the same key at another port, and for nothing else', () => {
  assert.is(verdict(`h1 ${KEY}\n`, 'h1', 2222, key), 'match');
  assert.is(verdict(`h1 ${KEY}\n`, 'h1', 2222, other), 'unknown');
});

test('a revoked key is refused even where another line allows it', () => {
  assert.is(verdict(`h1 ${KEY}\n@revoked * ${KEY}\n`, 'h1', 22, key), 'revoked');
  assert.is(verdict(`h1 ${KEY}\n@revoked * ${OTHER}\n`, 'h1', 22, key), 'match');
  assert.is(verdict(`h1 ${KEY}\n@revoked * ${KEY}\n`, 'h1', 2222, key), 'revoked');
});

test('an authority alone does not make a host known, and is named', () => {
  const result = judgeHostKey(parse(`@cert-authority *.site ${OTHER}\n`), 'h1.site', 22, key);
  assert.is(result.verdict, 'unknown');
  assert.is(result.verdict === 'unknown' && result.authority?.line, 1);
});

test('lines that are no entry are passed over', () => {
  const text = [
    'h1',
    'h1 ssh-ed25519',
    'h1 ssh-ed25519 !!!!',
    `h1 ssh-rsa ${KEY.split(' ')[1]}`,
    '@strange h1 ssh-ed25519 AAAA',
    '@revoked',
    '|1|x ssh-ed25519 AAAA',
    'h1 ssh-ed25519 AAAA',
    `${'h1,'.repeat(10_000)} ${KEY}`,
    '\u0000\uffff',
    `h1\t${KEY.replace(' ', '\t')}\tcomment`,
  ].join('\r\n');
  assert.equal(
    parse(text).map(entry => entry.line),
    [11],
  );
});

test('the types by which a host is known are asked for first', () => {
  assert.is(hostKeyAlgorithms([], 'h1', 22)[0], 'ssh-ed25519');
  assert.equal(hostKeyAlgorithms(parse(`h1 ${rsa}\n`), 'h1', 22).slice(0, 2), [
    'rsa-sha2-512',
    'rsa-sha2-256',
  ]);
  assert.is(hostKeyAlgorithms(parse(`h1 ${ecdsa}\n`), 'h1', 22)[0], 'ecdsa-sha2-nistp256');
  assert.is(hostKeyAlgorithms(parse(`h1 ${ecdsa}\n`), 'h1', 2222)[0], 'ecdsa-sha2-nistp256');
  assert.is(hostKeyAlgorithms(parse(`h2 ${ecdsa}\n`), 'h1', 22)[0], 'ssh-ed25519');
});

test('a new key is appended once, privately, after a line that lacked its end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'airferry-kh-'));
  try {
    const file = join(folder, 'new', 'known_hosts');
    await Promise.all([1, 2, 3].map(() => rememberHostKey(file, 'h1', 2222, key)));
    assert.is(readFileSync(file, 'utf8'), formatKnownHost('h1', 2222, key));
    assert.is(statSync(file).mode & 0o777, 0o600);
    assert.is(statSync(join(folder, 'new')).mode & 0o777, 0o700);

    writeFileSync(file, `h0 ${OTHER}`);
    await rememberHostKey(file, 'h1', 22, key);
    assert.is(readFileSync(file, 'utf8'), `h0 ${OTHER}\nh1 ${KEY}\n`);
    assert.is((await readKnownHosts([join(folder, 'none'), file])).length, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a file that cannot be read, or written, is an error with its name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'airferry-kh-'));
  try {
    const read = await readKnownHosts([folder]).catch((error: unknown) => error);
    assert.ok(isAirferryError(read, 'FILE_UNREADABLE') && read.where.file === folder);
    writeFileSync(join(folder, 'file'), '');
    chmodSync(join(folder, 'file'), 0o600);
    const wrote = await rememberHostKey(join(folder, 'file', 'known_hosts'), 'h1', 22, key).catch(
      (error: unknown) => error,
    );
    assert.ok(isAirferryError(wrote, 'FILE_UNWRITABLE', 'FILE_UNREADABLE'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
