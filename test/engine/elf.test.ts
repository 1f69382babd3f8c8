import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { ELF_HEAD_BYTES, elfPlatform, narrower, samePlatform } from '../../src/engine/elf.ts';
import { suite } from '../support/suite.ts';
import { ELF_PLATFORMS, elf } from './archives.ts';
import { rubbish } from './expect.ts';

const test = suite('engine/elf');

test('each platform is told by its header', () => {
  for (const platform of ELF_PLATFORMS) assert.is(elfPlatform(elf(platform)), platform);
});

test('a real binary, the one that runs this test, is of this machine', () => {
  const expected: Record<string, string> = {
    x64: 'linux/amd64',
    arm64: 'linux/arm64',
    ppc64: 'linux/ppc64le',
    s390x: 'linux/s390x',
  };
  const head = readFileSync(process.execPath).subarray(0, ELF_HEAD_BYTES);
  assert.is(elfPlatform(head), expected[process.arch]);
});

test('headers in a view of a larger buffer are read from where they are', () => {
  const buffer = Buffer.concat([Buffer.alloc(7), elf('linux/s390x'), Buffer.alloc(9)]);
  assert.is(elfPlatform(buffer.subarray(7, 71)), 'linux/s390x');
});

test('what is no executable has no platform', () => {
  const cut = elf('linux/amd64').subarray(0, 51);
  const object = elf('linux/amd64');
  object.writeUInt16LE(1, 16);
  const bigArm = elf('linux/arm64');
  bigArm[5] = 2;
  const narrowAmd = elf('linux/amd64');
  narrowAmd[4] = 1;
  for (const head of [new Uint8Array(), cut, object, bigArm, narrowAmd, Buffer.from('#!/bin/sh\n'.repeat(9))])
    assert.is(elfPlatform(head), undefined);
});

test('rubbish never throws, with the right first bytes or without', () => {
  for (let seed = 0; seed < 2000; seed++) {
    const bytes = rubbish(seed, seed % 80);
    elfPlatform(bytes);
    bytes.set([0x7f, 0x45, 0x4c, 0x46].slice(0, bytes.length));
    const platform = elfPlatform(bytes);
    assert.ok(platform === undefined || platform.startsWith('linux/'));
  }
});

test('arm64 is arm64/v8, and ARM that says nothing of floating point fits every variant', () => {
  assert.ok(samePlatform('linux/arm64', 'linux/arm64/v8'));
  assert.ok(samePlatform('linux/arm', 'linux/arm/v7'));
  assert.ok(samePlatform('linux/arm/v6', 'linux/arm'));
  assert.not(samePlatform('linux/arm/v6', 'linux/arm/v7'));
  assert.not(samePlatform('linux/arm', 'linux/arm64'));
  assert.not(samePlatform('linux/amd64', 'linux/arm64'));
  assert.is(narrower('linux/arm', 'linux/arm/v7'), 'linux/arm/v7');
});

test.run();
