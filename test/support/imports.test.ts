import * as assert from 'uvu/assert';
import { importsOf } from './imports.ts';
import { suite } from './suite.ts';

const test = suite('support/imports');

const specifiers = (source: string): string[] => importsOf(source).map(found => found.specifier);

test('every form of import is found, with its line', () => {
  const source = `/** Point. */
import a from 'a';
import type { B } from "b";
import * as c from 'c';
import {
  d,
  type E as from,
} from 'd';
import 'e';
export { f } from 'f';
export type { G } from 'g';
export * from 'h';
export * as i from 'i';
const j = await import('j');
type K = import('k').K;
`;
  assert.equal(
    importsOf(source).map(({ specifier, line }) => `${line} ${specifier}`),
    ['2 a', '3 b', '4 c', '5 d', '9 e', '10 f', '11 g', '12 h', '13 i', '14 j', '15 k'],
  );
});

test('what only looks like an import is none', () => {
  assert.equal(
    specifiers(`
// import a from 'a';
/* import b from 'b'; */
const c = "import c from 'c'";
const d = \`
import d from 'd';
\${e({ f: \`import '\${g}'\` })} import 'h';
\`;
const i = /import '[/']i'/.test(x);
const j = import.meta.url;
export const k = { from: 'k' };
export default l;
module.import('m');
export { n };
`),
    [],
  );
});

test('quotes, slashes and templates before an import do not hide it', () => {
  assert.equal(
    specifiers(`const a = b / c; const d = e[0] / 2; const f = /['"\`]/g;
const g = \`it's \${h ? \`\${i}'\` : "}"} \\\` \`;
const j = 'don\\'t'; // it's
import k from 'k';
if (/'/.test(l)) import('m');
return /"/ ? n / 2 : import('o');
`),
    ['k', 'm', 'o'],
  );
});

test.run();
