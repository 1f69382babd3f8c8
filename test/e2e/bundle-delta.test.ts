/** An update that carries only what the far side lacks: receipts of real hosts and a real registry, and what is made of them. */
import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { tinyCorpus } from '../lab/corpus.ts';
import { engineArchive } from '../lab/engines.ts';
import type { Outcome } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import type { Registry } from '../lab/registry.ts';
import { suite } from '../support/suite.ts';

const test = suite('updates cut against receipts', { timeout: 300_000 });
const reason = whyNoLab();
const root = new URL('../..', import.meta.url).pathname;
let lab: Lab;
let registry: Registry;
let recipe: string;
let reach: string[];
const at = (name: string): string => join(lab.dir, name);

/** The command line where the operator sits. */
function airferry(...args: string[]): Promise<Outcome> {
  const home = [`HOME=${at('home')}`, `XDG_CACHE_HOME=${at('cache')}`];
  return lab.run([
    'env',
    '-u',
    'SSH_AUTH_SOCK',
    ...home,
    process.execPath,
    join(root, 'src/main.ts'),
    ...args,
  ]);
}

async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await airferry(...args);
  assert.is(code, 0, `${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout;
}

const hosts = (...names: string[]): string[] => [
  ...names.flatMap(name => ['--host', `root@${lab.host(name).address}`]),
  ...reach,
];

/** The recipe of the site, with the images of these archives. */
async function writeRecipe(version: string, archives: readonly string[]): Promise<void> {
  const images = archives.map(archive => `  - archive: ${archive}\n`).join('');
  const engine = `{ version: 20.10.24, archive: ${await engineArchive('20.10.24')} }`;
  await writeFile(
    recipe,
    `name: plant-7\nversion: "${version}"\nengine: ${engine}\ndaemon: { template: default }\nimages:\n${images}`,
  );
}

if (reason !== undefined) test.skip('an update is cut and installed', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: ['h1', 'h2', 'h3'].map(name => ({ name })) });
    registry = await lab.startRegistry();
    recipe = at('bundle.yaml');
    reach = ['-i', lab.keyFile];
    await mkdir(at('home/.ssh'), { recursive: true });
    await cp(lab.knownHosts, at('home/.ssh/known_hosts'));
    await writeRecipe('1', [(await tinyCorpus()).save20]);
    await done('bundle', 'create', '-f', recipe, '-o', at('v1.tar'));
    await done('host', 'install', ...hosts('h1', 'h2'), '-b', at('v1.tar'));
    await done('image', 'push', at('v1.tar'), registry.address, '--plain-http');
    const h1 = lab.host('h1');
    await h1.sh(`echo news > /root/news; docker create --name next site/tiny-a:1.0
docker cp /root/news next:/news; docker commit next site/tiny-a:1.1; docker rm next
docker save -o /root/next.tar site/tiny-a:1.1; docker rmi site/tiny-a:1.1`);
    await cp(join(h1.root, 'root/next.tar'), at('next.tar'));
  });

  test.after(async () => {
    await lab?.down();
  });

  test('a receipt of a fleet and a registry makes an update of a few kilobytes out of a site of 75 MB', async () => {
    const members = ['h1', 'h2'].map(
      name => `  - { name: ${name}, address: ${lab.host(name).address}, user: root }\n`,
    );
    await writeFile(at('fleet.yaml'), `hosts:\n${members.join('')}`);
    const places = [`docker://${registry.address}/`, '--plain-http', '-F', at('fleet.yaml'), ...reach];
    await done('receipt', 'create', ...places, '-o', at('far.json'));
    assert.match(await readFile(at('far.json'), 'utf8'), /hosts h1, h2/);
    await writeRecipe('2', [(await tinyCorpus()).save20, at('next.tar')]);
    const update = ['bundle', 'create', '-f', recipe, '--receipt', at('far.json'), '-o', at('v2.tar')];
    const made = JSON.parse(await done(...update, '--json')) as { leftOut?: { bytes: number } };
    const [whole, cut] = await Promise.all(
      ['v1.tar', 'v2.tar'].map(async name => (await stat(at(name))).size),
    );
    assert.ok((whole ?? 0) > 50_000_000, `${whole}`);
    assert.ok((cut ?? Number.POSITIVE_INFINITY) < 200_000, `${cut}`);
    assert.ok((made.leftOut?.bytes ?? 0) > 70_000_000);
  });

  test('a host that lacks the base is told so before anything is changed on it', async () => {
    const { code, stderr } = await airferry('host', 'install', ...hosts('h3'), '-b', at('v2.tar'));
    assert.is(code, 3, stderr);
    assert.match(stderr, /engine 20\.10\.24/);
    assert.match(stderr, /--base/);
    assert.is(await lab.host('h3').sh('ls /opt/airferry /var/lib/airferry 2>/dev/null | wc -l'), '0');
  });

  test('hosts that have the base are updated by it, and run what came', async () => {
    await done('host', 'install', ...hosts('h1', 'h2'), '-b', at('v2.tar'));
    for (const name of ['h1', 'h2']) {
      assert.is(await lab.host(name).sh('docker run --rm site/tiny-a:1.1'), 'a');
      const [line] =
        (
          await lab
            .host(name)
            .sh(
              'docker create --name see site/tiny-a:1.1 >/dev/null; docker cp see:/news -; docker rm see >/dev/null',
            )
        ).match(/news$/m) ?? [];
      assert.is(line, 'news');
    }
    const again = JSON.parse(
      await done('host', 'install', ...hosts('h1', 'h2'), '-b', at('v2.tar'), '--json'),
    );
    assert.equal(
      again.hosts.map(({ outcome }: { outcome: string }) => outcome),
      ['unchanged', 'unchanged'],
    );
  });

  test('a new host is installed from the update with its base beside it', async () => {
    await done('host', 'install', ...hosts('h3'), '-b', at('v2.tar'), '--base', at('v1.tar'));
    assert.is(
      await lab.host('h3').sh('docker run --rm site/tiny-a:1.1; docker run --rm site/tiny-b:1.0'),
      'a\nb',
    );
  });

  test('the registry gets the new layer alone, and an engine pulls the image from it', async () => {
    await done('image', 'push', at('v2.tar'), registry.address, '--plain-http');
    const listed = JSON.parse(
      await done('image', 'list', `docker://${registry.address}/site/tiny-a:1.1`, '--plain-http', '--json'),
    );
    assert.is(listed.images.length, 1);
    const empty = await lab.startRegistry();
    const { code, stderr } = await airferry('image', 'push', at('v2.tar'), empty.address, '--plain-http');
    assert.is(code, 3, stderr);
    assert.match(stderr, /--base/);
  });
}

test.run();
