import * as assert from 'uvu/assert';
import {
  describeRange,
  ENGINE_LAYOUTS,
  isEngineBinary,
  layoutOf,
  matchingLayouts,
  missingFrom,
} from '../../src/engine/layouts.ts';
import { suite } from '../support/suite.ts';
import { BINARIES } from './archives.ts';

const test = suite('engine/layouts');

test('the layouts follow on each other without gap or overlap, and the last has no end', () => {
  assert.is(ENGINE_LAYOUTS[0]?.from, '18.03');
  for (const [index, layout] of ENGINE_LAYOUTS.entries())
    assert.is(layout.until, ENGINE_LAYOUTS[index + 1]?.from);
});

test('the archive of every engine is complete for its version', () => {
  for (const [version, names] of Object.entries(BINARIES)) {
    const layout = layoutOf(version);
    assert.ok(layout, version);
    assert.equal(missingFrom(names, layout as NonNullable<typeof layout>), [], version);
    assert.ok(matchingLayouts(names).includes(layout as NonNullable<typeof layout>), version);
  }
  assert.is(layoutOf('17.12.1-ce'), undefined);
});

test('names tell the engines that they can be', () => {
  const ranges = (version: string): string[] => matchingLayouts(BINARIES[version] ?? []).map(describeRange);
  assert.equal(ranges('18.06.3-ce'), ['18.03 or newer, before 18.09']);
  assert.equal(ranges('18.09.9'), ['18.09 or newer, before 20.10']);
  assert.equal(ranges('23.0.6'), ['23 or newer']);
});

test("Debian's 26.1, which still ships the old shim, is complete", () => {
  const names = [...(BINARIES['26.1.5'] ?? []), 'containerd-shim'];
  assert.equal(missingFrom(names, layoutOf('26.1.5') as NonNullable<ReturnType<typeof layoutOf>>), []);
});

test('a set that lacks something matches nothing', () => {
  assert.equal(matchingLayouts(['docker']), []);
  assert.equal(matchingLayouts([]), []);
});

test("the engine's family is known by name, and nothing else is taken for it", () => {
  for (const name of [...Object.values(BINARIES).flat(), 'containerd-shim-runc-v3', 'docker-compose'])
    assert.ok(isEngineBinary(name), name);
  for (const name of [
    'sudo',
    'sh',
    'README.md',
    'dockerfoo',
    'containerd/..',
    'runc-',
    'ctr-\n',
    'docker-../x',
  ])
    assert.not(isEngineBinary(name), name);
});

test.run();
