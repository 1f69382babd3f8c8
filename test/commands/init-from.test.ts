/** `init --from-compose` and `--from-kubernetes`: recipes out of what names images already. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { wantedImages } from '../../src/bundle/fetch/wanted-images.ts';
import { loadRecipe } from '../../src/config/recipe.ts';
import { familiarName } from '../../src/content/reference.ts';
import { suite } from '../support/suite.ts';
import { airferry, inFolder } from './airferry.ts';

const test = suite('init from compose files and manifests', { timeout: 60_000 });

const COMPOSE = 'services:\n  web: { image: "nginx:1.25" }\n  db:\n    image: postgres:16\n';
const MANIFESTS = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    spec:
      initContainers: [{ name: wait, image: "busybox:1.36" }]
      containers: [{ name: web, image: "hub.company.com/web:2" }]
---
apiVersion: v1
kind: Pod
metadata: { name: cache }
spec: { containers: [{ name: cache, image: "redis:7" }] }
`;

/** The images that a recipe wants, as `bundle create` reads it. */
async function wantedBy(path: string): Promise<string[]> {
  const { images } = await wantedImages(await loadRecipe(path, { env: {} }));
  return images.map(({ name }) => familiarName(name));
}

test('the images of a compose file are in the recipe, which is not overwritten without --force', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'compose.yml'), COMPOSE);
    const path = join(cwd, 'bundle.yaml');
    const first = await airferry(['init', '--from-compose', 'compose.yml', '--name', 'plant-7'], { cwd });
    assert.equal([first.status, first.stderr], [0, '']);
    assert.match(first.stdout, `✔ ${path} is written\n  2 images found: nginx:1.25, postgres:16\n`);
    assert.equal(await wantedBy(path), ['nginx:1.25', 'postgres:16']);

    await writeFile(path, 'mine\n');
    const second = await airferry(['init', '--from-compose', 'compose.yml', '--json'], { cwd });
    const { error } = JSON.parse(second.stdout);
    assert.equal([second.status, error.code, error.where.file], [1, 'FILE_UNWRITABLE', path]);
    assert.match(error.message, 'is there already');
    assert.match(error.suggestions[0], '--force');
    assert.is(await readFile(path, 'utf8'), 'mine\n');
    assert.equal((await readdir(cwd)).sort(), ['bundle.yaml', 'compose.yml']);
  }));

test('a folder of manifests, a compose file and images by name make one recipe, in another folder', () =>
  inFolder(async cwd => {
    await mkdir(join(cwd, 'k8s'));
    await writeFile(join(cwd, 'k8s/web.yaml'), MANIFESTS);
    await writeFile(join(cwd, 'compose.yml'), COMPOSE);
    const from = ['--from-kubernetes', 'k8s/', '--from-compose', 'compose.yml', '--image', 'redis:7'];
    const argv = ['init', ...from, '--dir', 'new/site', '--engine', 'none', '--compose', 'none', '--json'];
    const { status, stdout, stderr } = await airferry(argv, { cwd });
    assert.equal([status, stderr], [0, '']);
    const { files, images } = JSON.parse(stdout);
    const found = ['nginx:1.25', 'postgres:16', 'busybox:1.36', 'hub.company.com/web:2', 'redis:7'];
    assert.equal(images, found);
    const path = join(cwd, 'new/site/bundle.yaml');
    assert.equal(
      files.map((file: { path: string }) => file.path),
      [path],
    );
    assert.equal((await wantedBy(path)).sort(), found.toSorted());
    assert.match(await readFile(path, 'utf8'), 'kubernetes: ../../k8s');
    const again = await airferry([...argv.slice(0, -1), '--force'], { cwd });
    assert.match(again.stdout, /^Next: airferry bundle create -f new\/site\/bundle\.yaml -o site\.tar$/m);
  }));

test('a mistake in a compose file or manifest is named by file, line and column, and nothing is written', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'compose.yml'), 'services:\n  web:\n    image: Nginx:1.25\n');
    await writeFile(join(cwd, 'pod.yaml'), MANIFESTS.replace('redis:7', 'Redis:7'));
    const [words, json] = await Promise.all([
      airferry(['init', '--from-compose', 'compose.yml'], { cwd }),
      airferry(['init', '--from-kubernetes', 'pod.yaml', '--json'], { cwd }),
    ]);
    assert.equal([words.status, words.stdout], [3, '']);
    assert.match(words.stderr, /^error: "Nginx:1\.25" is not an image name: .*\n {2}at compose\.yml:3:12\n/);
    const { error } = JSON.parse(json.stdout);
    assert.equal([json.status, error.code], [3, 'KUBERNETES_INVALID']);
    assert.equal(error.where, { file: 'pod.yaml', line: 13, column: 44 });
    assert.equal(error.suggestions, ['Write redis:7.']);
    assert.equal((await readdir(cwd)).sort(), ['compose.yml', 'pod.yaml']);
  }));

test.run();
