import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadRecipe } from '../../src/config/recipe.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/bundles');

const root = new URL('../..', import.meta.url).pathname;
const folder = join(root, 'bundles');

test('every ready recipe parses, is named like its file, and uses a template that exists', async () => {
  const files = (await readdir(folder)).filter(name => name.endsWith('.yaml'));
  assert.ok(files.includes('quickstart.yaml') && files.includes('engine-only.yaml'));
  const templates = await readdir(join(root, 'templates/daemon'));
  for (const file of files) {
    const recipe = await loadRecipe(join(folder, file));
    assert.is(recipe.name, basename(file, '.yaml'));
    assert.ok(recipe.engine?.sources.length === recipe.platforms.length, file);
    const template = recipe.daemon?.template;
    assert.ok(template === undefined || templates.includes(`${template}.json`), `${file}: ${template}`);
  }
});

test('every ready recipe is listed in the README beside it', async () => {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  for (const file of (await readdir(folder)).filter(name => name.endsWith('.yaml')))
    assert.match(readme, `\`${file}\``);
});

test.run();
