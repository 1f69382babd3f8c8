import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { COUNTS_LINE } from './counts.ts';
import { suite } from './suite.ts';

const test = suite('suite');
const suiteUrl = new URL('./suite.ts', import.meta.url).href;

/** Run a test file of the given body in a process of its own; give back its exit status and counts. */
function runFile(body: string): { status: number | null; counts: number[]; output: string } {
  const dir = mkdtempSync(join(new URL('..', import.meta.url).pathname, '.suite-'));
  try {
    const file = join(dir, 'sample.ts');
    writeFileSync(
      file,
      `import { suite } from ${JSON.stringify(suiteUrl)};\nconst test = suite('sample');\n${body}\ntest.run();\n`,
    );
    const child = spawnSync(process.execPath, [file], { encoding: 'utf8', cwd: tmpdir() });
    const output = child.stdout + child.stderr;
    return { status: child.status, output, counts: (COUNTS_LINE.exec(output) ?? []).slice(1).map(Number) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('passing tests exit 0 and are counted', () => {
  const { status, counts } = runFile("test('a', () => {}); test('b', async () => {});");
  assert.is(status, 0);
  assert.equal(counts, [2, 0, 0, 2]);
});

test('a rejection with something that is no Error fails the file', () => {
  const { status, counts } = runFile("test('a', () => Promise.reject('plain string'));");
  assert.is(status, 1);
  assert.equal(counts, [0, 1, 0, 1]);
});

test('a test that never settles is named and fails', () => {
  const { status, output } = runFile("test('waits for ever', () => new Promise(() => {}), { timeout: 50 });");
  assert.is(status, 1);
  assert.match(output, '"waits for ever" did not settle within 50 ms');
});

test('a process that exits early fails', () => {
  const { status, counts } = runFile("test('a', () => process.exit(0)); test('b', () => {});");
  assert.is(status, 1);
  assert.equal(counts, [0, 0, 0, 2]);
});

test('an open handle after the last test fails the file', () => {
  const { status, output } = runFile("test('a', () => { setInterval(() => {}, 1000); });");
  assert.is(status, 1);
  assert.match(output, 'open handles kept the process alive');
});

test('a hook that fails is told and fails the file, whether it runs before or after the tests', () => {
  for (const hook of ['before', 'after']) {
    const { status, output } = runFile(
      `test.${hook}(() => { throw new Error('no boot'); }); test('a', () => {});`,
    );
    assert.is(status, 1);
    assert.match(output, `the hook "${hook}" failed: Error: no boot`);
  }
});

test('a skipped test is counted and said', () => {
  const { status, counts, output } = runFile("test('a', () => {}); test.skip('b', 'no moon');");
  assert.is(status, 0);
  assert.equal(counts, [1, 0, 1, 2]);
  assert.match(output, 'SKIPPED sample: b (no moon)');
});

test.run();
