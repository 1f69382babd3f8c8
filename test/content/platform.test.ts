import * as assert from 'uvu/assert';
import { formatPlatform, parsePlatform, platformMatches } from '../../src/content/platform.ts';
import { refusal } from '../engine/expect.ts';
import { suite } from '../support/suite.ts';

const test = suite('platform');

test('platforms are read and written as Go and OCI name them', () => {
  for (const text of [
    'linux/amd64',
    'linux/arm64',
    'linux/arm/v7',
    'linux/arm/v6',
    'linux/s390x',
    'linux/386',
  ])
    assert.is(formatPlatform(parsePlatform(text)), text);
});

test('arm64 and arm64/v8 are one', () => {
  assert.equal(parsePlatform('linux/arm64/v8'), { os: 'linux', architecture: 'arm64' });
  assert.is(formatPlatform({ os: 'linux', architecture: 'arm64', variant: 'v8' }), 'linux/arm64');
});

const WRONG: [string, RegExp][] = [
  ['linux/x86_64', /linux\/amd64/],
  ['linux/aarch64', /linux\/arm64/],
  ['linux/amd46', /linux\/amd64/],
  ['linux/armhf', /linux\/arm\/v7/],
  ['amd64', /linux\/amd64/],
  ['windows/amd64', /linux\/amd64/],
  ['linux/', /os\/architecture/],
  ['', /os\/architecture/],
  ['linux/arm/v7/x', /linux\/arm/],
  ['linux/arm/7', /linux\/arm/],
  ['linux/constructor', /os\/architecture/],
];
for (const [text, suggestion] of WRONG) {
  test(`${text || 'nothing'} is refused with a way out`, async () => {
    const error = await refusal(() => parsePlatform(text), 'PLATFORM_INVALID');
    assert.match(error.suggestions[0] ?? '', suggestion);
  });
}

test('a variant counts only where both sides name one', () => {
  const matches = (a: string, b: string) => platformMatches(parsePlatform(a), parsePlatform(b));
  assert.ok(matches('linux/amd64', 'linux/amd64'));
  assert.ok(matches('linux/arm/v7', 'linux/arm'));
  assert.ok(matches('linux/arm', 'linux/arm/v6'));
  assert.ok(matches('linux/arm64', 'linux/arm64/v8'));
  assert.not(matches('linux/arm/v7', 'linux/arm/v6'));
  assert.not(matches('linux/amd64', 'linux/arm64'));
  assert.not(platformMatches(parsePlatform('linux/amd64'), { os: 'windows', architecture: 'amd64' }));
});

test.run();
