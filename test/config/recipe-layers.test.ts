/** Recipes that extend others, and variables in them. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadRecipe, parseRecipe } from '../../src/config/recipe.ts';
import { refusal } from '../engine/expect.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/recipe-layers');

/** A folder of files; the path of the first. */
function site(files: Record<string, string>): string {
  const dir = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return join(dir, Object.keys(files)[0] ?? '');
}

const BASE = `version: "1"
engine: { version: 20.10.24, archive: ./docker.tgz }
daemon:
  template: production
  values: { bip: 172.7.5.1/24, labels: [a] }
platforms: [linux/amd64]
images: [nginx:1.25]
files: [{ from: ./motd, to: /etc/motd }]
`;

test('maps are merged, lists replaced, images and files added; paths begin at the file that they stand in', async () => {
  const file = site({
    'plant/bundle.yaml': `extends: ../base/base.yaml
name: plant-7
daemon: { values: { labels: [b], bip: null } }
images: [{ archive: ./own.tar }]
files: [{ from: ./issue, to: /etc/issue }]
`,
    'base/base.yaml': `name: base\n${BASE}`,
  });
  const root = dirname(dirname(file));
  const recipe = await loadRecipe(file);
  assert.equal([recipe.file, recipe.name, recipe.version], [file, 'plant-7', '1']);
  assert.equal(recipe.daemon?.values, { bip: null, labels: ['b'] });
  assert.is(recipe.daemon?.template, 'production');
  const base = join(root, 'base/base.yaml');
  assert.equal(recipe.engine?.sources[0], {
    kind: 'file',
    platform: 'linux/amd64',
    path: join(root, 'base/docker.tgz'),
    at: { file: base, line: 3, column: 39 },
  });
  assert.equal(recipe.images, [
    { kind: 'name', name: 'nginx:1.25', at: { file: base, line: 8, column: 10 } },
    { kind: 'archive', path: join(root, 'plant/own.tar'), only: undefined, at: { line: 4, column: 10 } },
  ]);
  assert.equal(
    recipe.files.map(({ from }) => from),
    [join(root, 'base/motd'), join(root, 'plant/issue')],
  );
});

test('null takes away what a base has; several bases are laid over one another; bases have bases', async () => {
  const file = site({
    'bundle.yaml': 'extends: [a.yaml, b.yaml]\nname: x\ncompose: null\n',
    'a.yaml': `extends: deep.yaml\ncompose: { version: 2.29.7 }\n`,
    'b.yaml': 'engine: { version: 26.1.5 }\nimages: [b]\n',
    'deep.yaml': `name: deep\n${BASE}`,
  });
  const recipe = await loadRecipe(file);
  assert.is(recipe.compose, undefined);
  assert.is(recipe.engine?.version, '26.1.5');
  assert.equal(
    recipe.images.map(image => image.kind === 'name' && image.name),
    ['nginx:1.25', 'b'],
  );
});

test('a mistake is told in the file that has it, also where several files have one', async () => {
  const file = site({
    'bundle.yaml': 'extends: base.yaml\nname: x\nfiles:\n  - { from: ./a, to: b }\n',
    'base.yaml': 'version: "1"\nengin: { version: 1 }\nimages: [./x.tar]\n',
  });
  const unknown = await refusal(() => loadRecipe(file), 'RECIPE_INVALID', /`engin` is not a key/);
  assert.equal(unknown.where, { file: join(dirname(file), 'base.yaml'), line: 2, column: 1 });
  writeFileSync(join(dirname(file), 'base.yaml'), 'version: "1"\nimages: [./x.tar]\n');
  const error = await refusal(() => loadRecipe(file), 'RECIPE_INVALID', /looks like a file/);
  assert.match(`${error.where.file}:${error.where.line}`, /base\.yaml:2$/);
  assert.match(error.message, /bundle\.yaml:4:\d+: `files\[0\]\.to` must be an absolute path/);
});

const REFUSED: [what: string, files: Record<string, string>, message: RegExp, line: number][] = [
  [
    'a circle',
    { 'a.yaml': 'name: a\nextends: b.yaml\n', 'b.yaml': 'extends: ./a.yaml\n' },
    /circle: .*a\.yaml → .*b\.yaml → .*a\.yaml/,
    1,
  ],
  ['itself', { 'a.yaml': 'extends: a.yaml\n' }, /circle/, 1],
  ['a file that is not there', { 'a.yaml': 'name: a\nextends: [b.yaml]\n' }, /b\.yaml does not exist/, 2],
  ['a folder', { 'a.yaml': 'extends: .\n' }, /it is a folder/, 1],
  ['no path', { 'a.yaml': 'extends: { a: b }\n' }, /must be the path of a recipe/, 1],
  [
    'too many above one another',
    Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`${i}.yaml`, `extends: ${i + 1}.yaml\n`])),
    /more than 10 recipes extend one another/,
    1,
  ],
  ['a base that is no YAML', { 'a.yaml': 'extends: b.yaml\n', 'b.yaml': 'a: b: c\n' }, /second `key:`/, 1],
];
for (const [what, files, message, line] of REFUSED) {
  test(`${what} cannot be extended`, async () => {
    const error = await refusal(() => loadRecipe(site(files)), 'RECIPE_INVALID', message);
    assert.is(error.where.line, line);
  });
}

test('a circle through symbolic links is one, too', async () => {
  const file = site({ 'a.yaml': 'extends: link.yaml\n' });
  symlinkSync(file, join(dirname(file), 'link.yaml'));
  await refusal(() => loadRecipe(file), 'RECIPE_INVALID', /circle/);
});

test('a recipe in a text cannot extend others', async () => {
  await refusal(
    () => parseRecipe('name: a\nversion: "1"\nextends: b\nimages: [a]\n', { file: 'x' }),
    'RECIPE_INVALID',
    /read from its file/,
  );
});

const text = (images: string, more = ''): string => `name: a\nversion: "1"\n${more}images:\n${images}`;
const nameOf = (
  source: string,
  options: { set?: Record<string, string>; env?: Record<string, string> } = {},
) => {
  const [image] = parseRecipe(source, { file: 'bundle.yaml', env: {}, ...options }).images;
  return image?.kind === 'name' ? image.name : undefined;
};
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of recipes look like this
test('a variable is what --set says, else the environment, else `variables`, else its default', () => {
  const source = text('  - "nginx:${TAG:-1.0}"\n', 'variables: { TAG: "1.1" }\n');
  assert.is(nameOf(text('  - "nginx:${TAG:-1.0}"\n')), 'nginx:1.0');
  assert.is(nameOf(source), 'nginx:1.1');
  assert.is(nameOf(source, { env: { TAG: '1.2' } }), 'nginx:1.2');
  assert.is(nameOf(source, { env: { TAG: '1.2' }, set: { TAG: '1.3' } }), 'nginx:1.3');
  assert.is(
    nameOf(text('  - $A/b\n', 'variables: { A: "${HOST:-x}" }\n'), { env: { HOST: 'h.io' } }),
    'h.io/b',
  );
  assert.equal(
    parseRecipe(text('  - a\n', 'engine: { version: 28.5.2 }\ndaemon: { values: { bip: "$$x" } }\n'), {
      file: 'b',
      env: {},
    }).daemon?.values,
    {
      bip: '$x',
    },
  );
});

test('a variable that is nowhere is a mistake at its place, and a base is filled in by what lies over it', async () => {
  const error = await refusal(
    () => nameOf(text('  - a\n  - "b:${TAG}"\n')),
    'RECIPE_INVALID',
    /`images\[1\]` needs the variable TAG, which is not set/,
  );
  assert.equal([error.where.line, error.where.column], [5, 5]);
  assert.match(error.suggestions.join(' '), /--set NAME=value/);
  await refusal(
    () => nameOf(text('  - "b:${TAG:?say which}"\n')),
    'RECIPE_INVALID',
    /needs the variable TAG, which is not set: say which/,
  );
  await refusal(() => nameOf(text('  - "b:${TAG"\n')), 'RECIPE_INVALID', /never closed/);
  const file = site({
    'bundle.yaml': 'extends: base.yaml\nname: x\nvariables: { TAG: "2" }\n',
    'base.yaml':
      'version: "1"\nvariables: { TAG: "1", OTHER: b }\nimages: ["${OTHER}:${TAG}", "c:${NONE}"]\n',
  });
  const none = await refusal(
    () => loadRecipe(file, { env: {} }),
    'RECIPE_INVALID',
    /needs the variable NONE/,
  );
  assert.match(`${none.where.file}:${none.where.line}`, /base\.yaml:3$/);
  const recipe = await loadRecipe(file, { env: {}, set: { NONE: '3' } });
  assert.equal(
    recipe.images.map(image => image.kind === 'name' && image.name),
    ['b:2', 'c:3'],
  );
});

test('a name that is set and stands nowhere is a slip', async () => {
  const error = await refusal(
    () => nameOf(text('  - "b:${TAG:-1}"\n'), { set: { TGA: '1' } }),
    'USAGE',
    /has no variable TGA/,
  );
  assert.is(error.suggestions[0], 'Did you mean TAG?');
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above

test('a registry and a mirror that are none are refused at their place', async () => {
  const bad: [string, RegExp][] = [
    ['registries: { "https://hub.company.com": {} }\n', /registries.*not a registry address/],
    ['registries: { docker.io: { mirrors: [http://m.company.com/x] } }\n', /without a scheme/],
    ['registries: { docker.io: { mirrors: [hub/x] } }\n', /must begin with a registry's host/],
    ['registries: { docker.io: { mirror: a } }\n', /mirror` is not a key/],
    ['mirrors: { "ftp://x/": "https://y/" }\n', /must be the beginning of an address/],
    ['mirrors: { "https://x/": "https://u:p@y/" }\n', /user name or password/],
    ['images: [{ name: a, only: [b] }]\n', /`images\[0\].only` belongs to an `archive`/],
    ['images: [{ name: a, platforms: [x86_64] }]\n', /x86_64 is not a platform/],
    ['images: [{ archive: a, as: b }]\n', /`images\[0\].as` belongs to a `name`/],
  ];
  for (const [more, message] of bad) {
    const error = await refusal(
      () =>
        parseRecipe(`name: a\nversion: "1"\n${more}${more.startsWith('images') ? '' : 'images: [a]\n'}`, {
          file: 'b',
        }),
      'RECIPE_INVALID',
      message,
    );
    assert.is(error.where.line, 3);
  }
});

test.run();
