import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type InitOptions, initSite } from '../../src/actions/init.ts';
import { parseUse, USE_SCRIPT } from '../../src/actions/init-host.ts';
import { askForRest, withDefaults } from '../../src/cli/init-questions.ts';
import { hostsOf, loadFleet } from '../../src/config/fleet.ts';
import { loadRecipe } from '../../src/config/recipe.ts';
import { refusal } from '../engine/expect.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/init');

const init = (dir: string, options: Partial<InitOptions> = {}) =>
  initSite({ ...withDefaults({}), dir, ...options });

test('with nothing said the usual is written, and what is written parses', async () => {
  const dir = scratch();
  const { files } = await init(dir, { images: ['nginx:1.25'] });
  assert.equal(
    files.map(({ path }) => path),
    [join(dir, 'bundle.yaml')],
  );
  const recipe = await loadRecipe(join(dir, 'bundle.yaml'), { env: {} });
  assert.equal(
    [recipe.name, recipe.version, recipe.engine?.version, recipe.compose?.version],
    ['site', '1', '28.5.2', '2.40.3'],
  );
  assert.match(readFileSync(join(dir, 'bundle.yaml'), 'utf8'), /^# What to pack/);
});

test('everything that may be said stands in the files', async () => {
  const dir = scratch();
  await init(dir, {
    ...{ name: '2026', version: '2026.10', platforms: ['linux/amd64', 'linux/arm64'], engine: '20.10.24' },
    ...{
      template: 'production',
      registry: 'hub.company.com:5000',
      registryIp: '172.11.1.107',
      insecureRegistry: true,
    },
    ...{ images: ['hub.company.com:5000/a/b:1', 'null', 'x@sha256:'.concat('a'.repeat(64))] },
    hosts: ['ops@10.77.0.11', '10.77.0.12', 'ops@node.site:2222', 'ops@[fd00::1]:22'],
  });
  const recipe = await loadRecipe(join(dir, 'bundle.yaml'), { env: {} });
  assert.equal([recipe.name, recipe.version, recipe.platforms.length], ['2026', '2026.10', 2]);
  assert.equal(recipe.daemon?.values, { 'insecure-registries': ['hub.company.com:5000'] });
  assert.equal(
    recipe.images.map(image => image.kind === 'name' && image.name.slice(0, 28)),
    ['hub.company.com:5000/a/b:1', 'null', `x@sha256:${'a'.repeat(19)}`],
  );
  const fleet = await loadFleet(join(dir, 'fleet.yaml'));
  assert.equal(
    hostsOf(fleet).map(({ address, port, user }) => `${user} ${address} ${port}`),
    [
      'ops 10.77.0.11 undefined',
      'undefined 10.77.0.12 undefined',
      'ops node.site 2222',
      'ops fd00::1 undefined',
    ],
  );
  assert.is(fleet.registry?.address, 'hub.company.com:5000');
});

test('a recipe without an engine, and without anything but images', async () => {
  const dir = scratch();
  const { engine: _, composeVersion: __, ...rest } = withDefaults({ images: ['a:1'] });
  await initSite({ ...rest, dir });
  const recipe = await loadRecipe(join(dir, 'bundle.yaml'), { env: {} });
  assert.equal([recipe.engine, recipe.compose, recipe.images.length], [undefined, undefined, 1]);
});

test('images come from compose files and manifests, by paths that begin at the recipe', async () => {
  const dir = scratch();
  writeFileSync(join(dir, 'compose.yml'), 'services: { web: { image: "nginx:1.25" } }\n');
  writeFileSync(
    join(dir, 'pod.yaml'),
    'apiVersion: v1\nkind: Pod\nspec: { containers: [{ name: a, image: redis:7 }] }\n',
  );
  const other = scratch();
  const { images } = await init(other, {
    fromCompose: [join(dir, 'compose.yml')],
    fromKubernetes: [join(dir, 'pod.yaml')],
  });
  assert.equal(images, ['nginx:1.25', 'redis:7']);
  const recipe = await loadRecipe(join(other, 'bundle.yaml'), { env: {} });
  assert.equal(
    recipe.images.map(image =>
      image.kind === 'compose' ? image.paths[0] : image.kind === 'kubernetes' ? image.path : '',
    ),
    [join(dir, 'compose.yml'), join(dir, 'pod.yaml')],
  );
});

test('a file that is there is not touched without --force; neither is its neighbour', async () => {
  const dir = scratch();
  writeFileSync(join(dir, 'fleet.yaml'), 'mine\n');
  await refusal(
    () => init(dir, { hosts: ['ops@10.77.0.11'] }),
    'FILE_UNWRITABLE',
    /fleet\.yaml is there already/,
  );
  assert.equal(readdirSync(dir), ['fleet.yaml']);
  await init(dir, { hosts: ['ops@10.77.0.11'], force: true });
  assert.match(readFileSync(join(dir, 'fleet.yaml'), 'utf8'), 'ops');
});

test('a dry run and a wrong answer write nothing', async () => {
  const dir = scratch();
  const { files } = await init(dir, { dryRun: true, hosts: ['ops@10.77.0.11'] });
  assert.is(files.length, 2);
  await refusal(() => init(dir, { engine: 'latest' }), 'RECIPE_INVALID', /engine\.version/);
  await refusal(() => init(dir, { images: ['Nginx'] }), 'REFERENCE_INVALID');
  await refusal(() => init(dir, { hosts: ['a b'] }), 'USAGE');
  await refusal(() => init(dir, { fromCompose: [join(dir, 'none.yml')] }), 'FILE_NOT_FOUND');
  assert.not(existsSync(join(dir, 'bundle.yaml')));
});

test('what a host printed is read: Debian versions, images without a name, rubbish', () => {
  const use = parseUse(
    'engine 20.10.24+dfsg1\nplatform linux/amd64\ncompose v2.26.1-4\nimage nginx:1.25\nimage nginx:1.25\nimage hub.company.com/a\nimage 0123456789ab\nimage ../etc\nrubbish\n',
  );
  assert.equal([use.engine, use.compose, use.platform], ['20.10.24', '2.26.1', 'linux/amd64']);
  assert.equal(use.images, ['hub.company.com/a:latest', 'nginx:1.25']);
  assert.is(use.warnings.length, 2);
  assert.equal(parseUse('').images, []);
});

test('what is asked of a host is understood by sh and docker', () => {
  const dir = scratch();
  const docker = `#!/bin/sh
case "$1 $2" in
  'version --format') echo "$3" | sed 's/{{.Server.Version}}/26.1.5/; s,{{.Server.Os}}/{{.Server.Arch}},linux/arm64,' ;;
  'compose version') exit 1 ;;
  'ps -a') echo "$4" | sed 's/{{.Image}}/redis:7/' ;;
esac
`;
  writeFileSync(join(dir, 'docker'), docker, { mode: 0o755 });
  const run = (path: string) =>
    spawnSync('/bin/sh', ['-c', USE_SCRIPT], { encoding: 'utf8', env: { PATH: path } });
  const { status, stdout } = run(`${dir}:/usr/bin:/bin`);
  assert.is(status, 0);
  assert.equal(parseUse(stdout), {
    engine: '26.1.5',
    platform: 'linux/arm64',
    images: ['redis:7'],
    warnings: [],
  });
  assert.is(run(scratch()).status, 66);
});

test('only what no flag says is asked, and Enter takes what stands in brackets', async () => {
  const asked: string[] = [];
  const answers = new Map([
    ['Images', 'nginx:1.25, redis:7'],
    ['Version of compose', 'none'],
  ]);
  const ask = async (title: string): Promise<string> => {
    asked.push(title);
    return [...answers].find(([start]) => title.startsWith(start))?.[1] ?? '';
  };
  const found = await askForRest({ name: 'plant-7', hosts: [], template: 'production' }, ask);
  assert.equal(found, {
    ...{ name: 'plant-7', version: '1', platforms: ['linux/amd64'], template: 'production' },
    ...{ images: ['nginx:1.25', 'redis:7'], hosts: [], engine: '28.5.2' },
  });
  assert.equal(asked.length, 6);
  assert.match(asked.join(), /Its version \[1\]:/);
});

test.run();
