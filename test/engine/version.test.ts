import * as assert from 'uvu/assert';
import {
  atLeast,
  compareEngineVersions,
  inRange,
  parseEngineVersion,
  supportedEngineVersion,
} from '../../src/engine/version.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './expect.ts';

const test = suite('engine/version');

test('every way that an engine version is written is understood', () => {
  for (const [text, numbers] of [
    ['18.06.3-ce', [18, 6, 3]],
    ['20.10.24', [20, 10, 24]],
    ['20.10.24+dfsg1', [20, 10, 24]],
    ['29.0.1', [29, 0, 1]],
    ['1.13.1', [1, 13, 1]],
  ] as const) {
    const version = parseEngineVersion(text);
    assert.equal([version.major, version.minor, version.patch], numbers);
    assert.is(version.text, text);
    assert.is(version.prerelease, undefined);
  }
  assert.is(parseEngineVersion('29.0.0-rc.1').prerelease, 'rc.1');
});

test('what is no version is refused, with the likely one', async () => {
  for (const text of [
    '',
    '20.10',
    'latest',
    '20.10.24 ',
    '20.10.x',
    '../../etc',
    '20.10.24-a/b',
    '99999.1.1',
    '20.10.24\n',
  ])
    await refusal(() => parseEngineVersion(text), 'ENGINE_INVALID', /is not an engine version/);
  const error = await refusal(() => parseEngineVersion('v20.10.24'), 'ENGINE_INVALID');
  assert.match(error.suggestions.join(), '20.10.24');
});

test('engines before 18.03 are parsed, but not supported', async () => {
  assert.is(parseEngineVersion('17.12.1-ce').major, 17);
  await refusal(() => supportedEngineVersion('17.12.1-ce'), 'ENGINE_INVALID', /older than 18.03/);
  assert.is(supportedEngineVersion('18.03.0-ce').minor, 3);
});

test('versions are ordered by number, release candidates before their release', () => {
  const sorted = [
    '18.03.1-ce',
    '18.06.3-ce',
    '18.09.9',
    '19.03.9',
    '19.03.14',
    '20.10.24',
    '29.0.0-rc.2',
    '29.0.0-rc.10',
    '29.0.0',
    '29.0.1',
  ];
  const shuffled = [...sorted].reverse().map(parseEngineVersion).sort(compareEngineVersions);
  assert.equal(
    shuffled.map(version => version.text),
    sorted,
  );
  assert.is(compareEngineVersions(parseEngineVersion('20.10.24'), parseEngineVersion('20.10.24+dfsg1')), 0);
});

test('a floor takes one, two or three numbers, and counts a candidate as its release', () => {
  assert.ok(atLeast('20.10.24', '20.10'));
  assert.ok(atLeast('20.10.24', '20.10.24'));
  assert.not(atLeast('20.10.24', '20.10.25'));
  assert.not(atLeast('19.03.15', '20'));
  assert.ok(atLeast('29.0.0-rc.1', '29'));
  assert.ok(inRange('18.06.3-ce', { from: '18.03', until: '18.09' }));
  assert.not(inRange('18.09.0', { from: '18.03', until: '18.09' }));
});

test.run();
