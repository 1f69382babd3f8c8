import * as assert from 'uvu/assert';
import { inspectBundle } from '../../src/actions/bundle-inspect.ts';
import { lookOf } from '../../src/cli/terminal.ts';
import { tree } from '../../src/cli/tree.ts';
import { bundleReport } from '../../src/cli/views/bundle-inspect.ts';
import { bundleTree } from '../../src/cli/views/bundle-tree.ts';
import { GOLDEN } from '../bundle/golden/make.ts';
import { suite } from '../support/suite.ts';
import { plainLook } from './look.ts';

const test = suite('cli/bundle-tree');

test('branches are drawn to the last one, in ASCII where that is all there is', () => {
  const root = {
    text: 'r',
    branches: [{ text: 'a', branches: [{ text: 'b', more: '1 B' }] }, { text: 'c' }],
  };
  assert.equal(tree(root, plainLook()), ['r', '├─ a', '│  └─ b  1 B', '└─ c']);
  const ascii = lookOf({}, { LANG: 'C', NO_COLOR: '1' });
  assert.equal(tree(root, ascii), ['r', '|- a', '|  `- b  1 B', '`- c']);
});

test('names steer no terminal', () => {
  const [line = ''] = tree({ text: 'x\u001b[31m\n', more: '\u202e' }, plainLook());
  assert.is(line, 'x\\u{1b}[31m\\u{a}  \\u{202e}');
});

test('everything of a bundle is below what it belongs to', async () => {
  const lines = bundleTree(await inspectBundle({ path: GOLDEN }), plainLook());
  const depth = (text: string): number => {
    const line = lines.find(one => one.includes(text));
    assert.ok(line, text);
    return line.search(/[^│├└─ ]/) / 3;
  };
  assert.equal(
    ['golden 1', 'docker 20.10.24', 'site/app:1.0', 'layer 2', 'SLSA provenance', 'Notation signature'].map(
      depth,
    ),
    [0, 1, 2, 4, 4, 4],
  );
  assert.is(lines.filter(line => line.includes('shared by 3 images')).length, 3);
  assert.ok(lines.some(line => line.includes('/usr/local/bin/crictl  0755, linux/arm64')));
});

test('the report says what is about which image, and for which platform files are', async () => {
  const text = bundleReport(await inspectBundle({ path: GOLDEN }), plainLook()).join('\n');
  assert.match(text, /hub\.company\.com\/site\/app:1\.0 +SPDX SBOM, Notation signature, SLSA\s+provenance/);
  assert.match(text, /\/etc\/motd +0644 +all +8 B/);
  assert.match(text, /by key +AF00000000000001/);
});

test.run();
