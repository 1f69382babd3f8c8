import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { wantedFiles } from '../../src/bundle/fetch/wanted-files.ts';
import { wantedImages } from '../../src/bundle/fetch/wanted-images.ts';
import { packDaemonJson } from '../../src/bundle/pack-engine.ts';
import { loadRecipe } from '../../src/config/recipe.ts';
import { supportedEngineVersion } from '../../src/engine/version.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/bundles');

const root = new URL('../..', import.meta.url).pathname;
const folder = join(root, 'bundles');
const files = (await readdir(folder)).filter(name => name.endsWith('.yaml'));
const load = (file: string) => loadRecipe(join(folder, file), { env: {} });

test('there is one for each kind of site', () => {
  const engines = ['18.03', '19.03', '20.10', '25', '28', '29'].map(version => `engine-${version}`);
  const others = ['quickstart', 'private-registry', 'harbor', 'kubernetes-node', 'rancher-tools', 'rootless'];
  for (const name of [...engines, ...others]) assert.ok(files.includes(`${name}.yaml`), name);
});

for (const file of files) {
  test(`${file} parses, is named like its file, and has a daemon.json that its engine takes`, async () => {
    const recipe = await load(file);
    assert.is(recipe.name, basename(file, '.yaml'));
    for (const { sources } of [recipe.engine, recipe.compose, ...recipe.tools].flatMap(one => one ?? []))
      assert.is(sources.length, recipe.platforms.length);
    const { warnings } = await packDaemonJson(recipe);
    // A fresh engine 29 keeps images elsewhere than "data-root" says, unless a storage driver is named: production does.
    assert.equal(warnings, []);
  });

  test(`everything that ${file} fetches has an address, and everything local is there`, async () => {
    const recipe = await load(file);
    for (const { url } of await wantedFiles(recipe))
      assert.match(url, /^https:\/\/(?:download\.docker\.com|github\.com)\//);
    for (const { from } of recipe.files) assert.ok(from === undefined || existsSync(from), from);
    const { images, warnings } = await wantedImages(recipe);
    assert.equal(warnings, []);
    assert.ok(images.every(({ name }) => name.tag !== 'latest'));
  });

  test(`${file} says how to use it`, async () => {
    const text = await readFile(join(folder, file), 'utf8');
    assert.match(text, `#   airferry bundle create -f ${file} -o `);
  });
}

test('the engines are what their files are named after', async () => {
  for (const file of files.filter(name => /^engine-\d/.test(name))) {
    const recipe = await load(file);
    const version = recipe.engine?.version ?? '';
    supportedEngineVersion(version);
    assert.ok(version.startsWith(`${basename(file, '.yaml').slice('engine-'.length)}.`), file);
  }
});

test('a value of the site is given by --set', async () => {
  const recipe = await loadRecipe(join(folder, 'engine-28.yaml'), {
    env: {},
    set: { REGISTRY: 'hub.other.com' },
  });
  assert.equal(recipe.daemon?.values['insecure-registries'], ['hub.other.com']);
  const { images } = await wantedImages(
    await loadRecipe(join(folder, 'rancher-tools.yaml'), { env: {}, set: { REGISTRY: 'hub.other.com' } }),
  );
  assert.ok(
    images.every(({ as }) => as?.registry === 'hub.other.com' && as.repository.startsWith('rancher/')),
  );
});

test('every ready recipe is listed in the README beside it', async () => {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  for (const file of files) assert.match(readme, `\`${file}\``);
});

test.run();
