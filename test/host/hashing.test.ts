import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DEFINE_SUMS } from '../../src/host/hashing.ts';
import { suite } from '../support/suite.ts';

const test = suite('hashing');
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
let dir: string;

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-hashing-'));
  writeFileSync(join(dir, 'empty'), '');
  writeFileSync(join(dir, 'a b c'), 'abc');
});
test.after(() => rmSync(dir, { recursive: true }));

/** What `sums` prints on a host that has only these programs; `openssl` is a script of ours. */
function sums(openssl: string | undefined): string[] {
  const bin = mkdtempSync(join(dir, 'bin-'));
  symlinkSync(execFileSync('which', ['sha256sum'], { encoding: 'utf8' }).trim(), join(bin, 'sha256sum'));
  if (openssl !== undefined) {
    writeFileSync(join(bin, 'openssl'), `#!/bin/sh\n${openssl}\n`);
    chmodSync(join(bin, 'openssl'), 0o755);
  }
  const printed = execFileSync('/bin/sh', ['-c', `${DEFINE_SUMS}\nsums empty 'a b c'`], {
    cwd: dir,
    env: { PATH: bin },
    encoding: 'utf8',
  });
  return printed
    .trimEnd()
    .split('\n')
    .map(line => line.replace('*', ' '));
}

const RIGHT = [`${EMPTY}  empty`, `${ABC}  a b c`];

test('hashes are the same by openssl, by sha256sum where there is none, and where openssl cannot do it', () => {
  const path = execFileSync('sh', ['-c', 'command -v openssl || :'], { encoding: 'utf8' }).trim();
  if (path) assert.equal(sums(`exec ${path} "$@"`), RIGHT);
  assert.equal(sums(undefined), RIGHT);
  assert.equal(sums('echo "unknown option -r" >&2; exit 1'), RIGHT);
});

test('an openssl that stops halfway is not believed to have read everything', () => {
  assert.equal(sums(`echo '${EMPTY} *empty'; exit 1`).slice(-2), RIGHT);
});

test.run();
