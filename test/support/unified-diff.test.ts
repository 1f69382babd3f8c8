import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { unifiedDiff } from '../../src/support/unified-diff.ts';
import { scratch } from './scratch.ts';
import { suite } from './suite.ts';

const test = suite('unified diff');
const dir = scratch();
const NAMES = { before: 'a', after: 'b' };

/** What GNU diff says, without the header. */
function gnu(before: string, after: string): string {
  writeFileSync(join(dir, 'a'), before);
  writeFileSync(join(dir, 'b'), after);
  try {
    execFileSync('diff', ['-u', '--minimal', join(dir, 'a'), join(dir, 'b')]);
    return '';
  } catch (error) {
    const { stdout } = error as { stdout: Buffer };
    return stdout.toString().split('\n').slice(2).join('\n').trimEnd();
  }
}

const body = (diff: string): string => diff.split('\n').slice(2).join('\n').trimEnd();
const lines = (...all: string[]): string => all.map(line => `${line}\n`).join('');

test('the same texts differ in nothing', () => {
  assert.is(unifiedDiff('a\n', 'a\n', NAMES), '');
});

test('the header names both', () => {
  assert.is(unifiedDiff('a\n', 'b\n', NAMES), '--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b');
});

test('hunks are those of GNU diff', () => {
  const long = Array.from({ length: 40 }, (_, i) => `line ${i}`);
  const edited = long.flatMap((line, i) => (i === 3 ? [] : i === 30 ? [line, 'new'] : [line]));
  const cases: [string, string][] = [
    ['', 'a\n'],
    ['a\n', ''],
    ['a\nb\n', 'a\nb'],
    ['a\nb', 'a\nb\nc'],
    [lines(...long), lines(...edited)],
    [lines(...long), lines('first', ...long, 'last')],
    [lines('{', '  "a": 1,', '  "b": 2', '}'), lines('{', '  "a": 1,', '  "b": 2,', '  "c": 3', '}')],
  ];
  for (const [before, after] of cases) assert.is(body(unifiedDiff(before, after, NAMES)), gnu(before, after));
});

test('random texts give as many changed lines as GNU diff --minimal', () => {
  let seed = 7;
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * n);
  };
  const count = (diff: string): number => diff.split('\n').filter(line => /^[-+]/.test(line)).length;
  for (let i = 0; i < 30; i++) {
    const text = (): string => lines(...Array.from({ length: random(30) }, () => 'abcd'.charAt(random(4))));
    const [before, after] = [text(), text()];
    assert.is(
      count(body(unifiedDiff(before, after, NAMES))),
      count(gnu(before, after)),
      `${before}\n--\n${after}`,
    );
  }
});

test.run();
