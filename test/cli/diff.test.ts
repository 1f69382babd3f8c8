import * as assert from 'uvu/assert';
import { diffLines } from '../../src/cli/diff.ts';
import { suite } from '../support/suite.ts';
import { plainLook } from './look.ts';

const test = suite('diffs on a terminal');

test('what goes and what comes is told apart by more than its colour, and nothing steers the terminal', () => {
  const diff = '--- a\n+++ b\n@@ -1 +1 @@\n-"x": "\u001b[2J"\n+"x": 1\n "y"';
  assert.equal(diffLines(diff, plainLook()), [
    '--- a',
    '+++ b',
    '@@ -1 +1 @@',
    '-"x": "\\u{1b}[2J"',
    '+"x": 1',
    ' "y"',
  ]);
});

test.run();
