import { glob, readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import {
  circles,
  ROOMS,
  type SourceFile,
  terminalInCore,
  tooLong,
  unfinished,
  withoutComment,
  wrongDirections,
} from './support/architecture.ts';
import { importsOf } from './support/imports.ts';
import { suite } from './support/suite.ts';

const test = suite('architecture');
const root = new URL('..', import.meta.url).pathname;

async function read(pattern: string): Promise<SourceFile[]> {
  const paths = (await Array.fromAsync(glob(pattern, { cwd: root }))).sort();
  return Promise.all(paths.map(async path => ({ path, text: await readFile(`${root}/${path}`, 'utf8') })));
}

const source = await read('src/**/*.ts');
const tests = await read('test/**/*.ts');

/** A file of the given imports, in memory. */
const file = (path: string, ...imports: string[]): SourceFile => ({
  path,
  text: `/** Point. */\n${imports.map(specifier => `import '${specifier}';\n`).join('')}`,
});

function assertNone(complaints: readonly string[]): void {
  assert.is(complaints.join('\n'), '');
}

test('the files of the house are read, and imports are found in them', () => {
  assert.ok(source.length > 20, `${source.length} files`);
  assert.ok(source.flatMap(({ text }) => importsOf(text)).length > source.length);
});

test('imports run one way: commands, actions, phases and carriers, sites, nouns, support', () => {
  assertNone(wrongDirections(source));
});

test('the core knows nothing of oclif, listr2 and inquirer', () => {
  assertNone(terminalInCore(source));
});

test('no file of the source is longer than 300 lines', () => {
  assertNone(tooLong(source));
});

test('every file of the source begins with a comment', () => {
  assertNone(withoutComment(source));
});

test('imports go in no circle', () => {
  assertNone(circles(source));
});

test('nothing is left unfinished', () => {
  assertNone(unfinished([...source, ...tests]));
});

test('an import against the direction is named with its file, its line, and what is allowed', () => {
  assert.equal(wrongDirections([file('src/content/a.ts', '../support/x.ts', '../host/quote.ts')]), [
    'src/content/a.ts:3 imports ../host/quote.ts: content may import support, errors.ts',
  ]);
  const wrong: [from: string, to: string][] = [
    ['support', 'content'],
    ['content', 'tar'],
    ['tar', 'content'],
    ['registry', 'engine'],
    ['engine', 'host'],
    ['host', 'config'],
    ['config', 'registry'],
    ['host', 'transports'],
    ['transports', 'bundle'],
    ['transports', 'phases'],
    ['bundle', 'phases'],
    ['phases', 'actions'],
    ['actions', 'cli'],
    ['phases', 'cli'],
    ['actions', 'commands'],
    ['cli', 'commands'],
  ];
  for (const [from, to] of wrong)
    assert.is(
      wrongDirections([file(`src/${from}/deep/a.ts`, `../../${to}/b.ts`)]).length,
      1,
      `${from} → ${to}`,
    );
});

test('imports along the direction, within a room, and of errors.ts are none of it', () => {
  for (const [room, allowed] of Object.entries(ROOMS)) {
    const imports = [
      ...allowed.map(other => `../${other}/b.ts`),
      './c.ts',
      './deep/d.ts',
      '../errors.ts',
      'zod',
    ];
    assertNone(wrongDirections([file(`src/${room}/a.ts`, ...imports)]));
  }
  assertNone(wrongDirections([file('src/main.ts', './commands/a.ts', './cli/b.ts')]));
});

test('errors.ts imports nothing, nothing reaches out of src, and every room is in the table', () => {
  assert.is(wrongDirections([file('src/errors.ts', './support/a.ts')]).length, 1);
  assert.is(wrongDirections([file('src/config/a.ts', '../../test/b.ts')]).length, 1);
  assert.is(wrongDirections([file('src/config/a.ts', '../main.ts')]).length, 1);
  assert.equal(wrongDirections([file('src/helpers/a.ts')]), [
    'src/helpers/a.ts: this file is in no room of the house',
  ]);
  assert.is(wrongDirections([file('src/stray.ts')]).length, 1);
});

test('a terminal package in the core is named', () => {
  const packages = ['@oclif/core', '@oclif/core/flags', 'oclif', 'listr2', 'inquirer', '@inquirer/prompts'];
  assert.is(terminalInCore([file('src/actions/a.ts', ...packages)]).length, packages.length);
  assert.equal(terminalInCore([file('src/host/a.ts', 'ssh2', 'listr2')]), [
    'src/host/a.ts:3 imports listr2: only commands and cli may',
  ]);
  for (const surface of ['src/commands/a.ts', 'src/cli/a.ts', 'src/main.ts'])
    assertNone(terminalInCore([file(surface, ...packages)]));
});

test('line 301 is one too many', () => {
  assertNone(tooLong([{ path: 'a.ts', text: 'x\n'.repeat(300) }]));
  assert.equal(tooLong([{ path: 'a.ts', text: 'x\n'.repeat(301) }]), [
    'a.ts has 301 lines; at most 300 are allowed',
  ]);
});

test('code before the first comment, an empty comment and an empty file are named', () => {
  for (const text of ['', "import 'a';\n/** Late. */\n", '\n/** After an empty line. */\n'])
    assert.is(withoutComment([{ path: 'a.ts', text }]).length, 1, JSON.stringify(text));
  for (const text of ['/** Point. */', '/*\n * Point.\n */', '// Point.', '#!/usr/bin/env node\n// Point.'])
    assertNone(withoutComment([{ path: 'a.ts', text }]));
});

test('a circle is named with all of its files', () => {
  const line = [file('src/a/a.ts', './b.ts', './c.ts'), file('src/a/b.ts', './c.ts'), file('src/a/c.ts')];
  assertNone(circles(line));
  assert.equal(circles([...line.slice(0, 2), file('src/a/c.ts', './a.ts')]), [
    'src/a/a.ts → src/a/b.ts → src/a/c.ts → src/a/a.ts',
  ]);
  assert.equal(circles([file('src/a/a.ts', './a.ts')]), ['src/a/a.ts → src/a/a.ts']);
});

test('a note of unfinished work is named with its line', () => {
  const note = `${'TO'}${'DO'}`;
  assert.equal(unfinished([{ path: 'a.ts', text: `a\n// ${note}: b\n` }]), [`a.ts:2 says ${note}`]);
  assert.is(unfinished([{ path: 'a.ts', text: `// ${'FIX'}${'ME'}\n` }]).length, 1);
  assertNone(unfinished([{ path: 'a.ts', text: `mas${note}n, ${note.toLowerCase()}\n` }]));
});

test.run();
