/** Images through the real command line: registry, layout, archive, bundle and engines in turn; digests as skopeo sees them. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { ImagesCopied } from '../../src/actions/copied.ts';
import { digestOf } from '../../src/content/digest.ts';
import { oras } from '../bench/peers.ts';
import { type Corpus, siteCorpus, tinyCorpus } from '../lab/corpus.ts';
import { forgetImages } from '../lab/forget-images.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import type { Registry } from '../lab/registry.ts';
import { suite } from '../support/suite.ts';

const test = suite('image commands, any to any', { timeout: 300_000 });
const CLI = [process.execPath, 'bin/dev.js'];
let lab: Lab;
let hub: Registry;
let corpus: Corpus;
let folder: string;
let home: string;

test.before(async () => {
  corpus = await tinyCorpus();
  lab = await Lab.up({ hosts: [{ name: 'h1' }, { name: 'h2', suite: 'trixie' }] });
  await installEngine(lab.host('h1'), '20.10.24');
  await installEngine(lab.host('h2'), '26.1.5');
  hub = await lab.startRegistry();
  folder = join(lab.dir, 'copies');
  home = join(folder, 'home');
  await mkdir(home, { recursive: true });
});

test.after(async () => {
  await lab?.down();
});

/** An engine of the lab as a place. */
const engine = (host: string): string => `docker-daemon:ssh://root@${lab.host(host).address}`;
const login = (): string[] => ['-i', lab.keyFile, '--known-hosts', lab.knownHosts];
const at = (name: string): string => join(folder, name);

function inHome(argv: string[]): string[] {
  return ['env', `HOME=${home}`, `XDG_CACHE_HOME=${home}/cache`, `DOCKER_CONFIG=${home}/.docker`, ...argv];
}

/** Run a command to its end; what it prints under `--json`. */
async function airferry<T = ImagesCopied>(...argv: string[]): Promise<T> {
  const { code, stdout, stderr } = await lab.run(inHome([...CLI, ...argv, '--json']));
  if (code !== 0) throw new Error(`airferry ${argv.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as T;
}

/** The digest of what stands at a place, by skopeo's own reading. */
async function seen(place: string): Promise<string> {
  const { code, stdout, stderr } = await lab.run(
    inHome([
      'skopeo',
      'inspect',
      '--raw',
      ...(place.startsWith('docker://') ? ['--tls-verify=false'] : []),
      place,
    ]),
  );
  if (code !== 0) throw new Error(`skopeo inspect ${place}: ${stderr}`);
  return digestOf(stdout);
}

const digestIn = ({ images }: ImagesCopied, name: string): string | undefined =>
  images.find(({ to }) => to?.endsWith(name))?.digest;

test('registry, layout, registry, engine, archive, bundle: the digest stays as long as the place can hold it', async () => {
  const pushed = await airferry('image', 'push', corpus.save26, `${hub.address}/plant`, '--plain-http');
  const digest = digestIn(pushed, 'plant/site/tiny-a:1.0');
  const name = `docker://${hub.address}/plant/site/tiny-a:1.0`;
  assert.is(await seen(name), digest);

  const layout = `oci:${at('layout')}`;
  await airferry('image', 'copy', name, `${layout}:site/tiny-a:1.0`, '--plain-http');
  assert.is(await seen(`${layout}:site/tiny-a:1.0`), digest);

  const back = `docker://${hub.address}/back/tiny-a:1.0`;
  const returned = await airferry('image', 'copy', layout, back, '--plain-http');
  assert.equal([await seen(back), returned.images[0]?.outcome], [digest, 'copied']);

  const bundle = `bundle:${at('tiny.bundle.tar')}`;
  assert.is(digestIn(await airferry('image', 'copy', back, bundle, '--plain-http'), 'tiny-a:1.0'), digest);
  assert.is(await seen(`oci-archive:${at('tiny.bundle.tar')}`), digest);

  const pull = ['image', 'pull', back.slice('docker://'.length), '--plain-http', ...login()];
  const rule = ['--retag', `${hub.address}/back/*=site/*`];
  const pulled = await airferry(...pull, '-o', engine('h1'), ...rule);
  assert.equal(
    pulled.images.map(({ to }) => to),
    ['docker.io/site/tiny-a:1.0'],
  );
  const id = corpus.images.find(image => image.name === 'site/tiny-a:1.0')?.id;
  const inspected = await lab.host('h1').sh("docker image inspect --format '{{.Id}}' site/tiny-a:1.0");
  assert.is(inspected.trim(), id);
  assert.is((await airferry(...pull, '-o', engine('h1'), ...rule)).images[0]?.outcome, 'present');

  const saved = at('from-engine.tar');
  await airferry('image', 'save', `${engine('h1')}/site/tiny-a:1.0`, '-o', saved, ...login());
  const config = JSON.parse(
    (await lab.run(['skopeo', 'inspect', '--raw', `docker-archive:${saved}`])).stdout,
  );
  assert.is(config.config.digest, id);
  const again = await airferry('image', 'push', saved, `${hub.address}/plant`, '--plain-http');
  assert.equal([digestIn(again, 'tiny-a:1.0'), again.moved.blobs], [digest, 0]);
});

test('two engines go into one archive that holds what they share once', async () => {
  const names = ['busybox:1.35', 'site/tiny-a:1.0', 'site/tiny-b:1.0'];
  for (const host of ['h1', 'h2']) await airferry('image', 'copy', corpus.save20, engine(host), ...login());
  await lab.host('h2').sh('docker rmi site/tiny-a:1.0');
  await lab.host('h1').sh('docker rmi site/tiny-b:1.0');
  const hosts = ['h1', 'h2'].flatMap(host => ['-H', `root@${lab.host(host).address}`]);
  const saved = await airferry('image', 'save', ...hosts, '-o', at('both.tar'), ...login());
  assert.equal(saved.images.map(({ from }) => from).sort(), names);
  assert.is(saved.moved.blobs, 3 + new Set(corpus.images.flatMap(({ diffIds }) => diffIds)).size);
  await forgetImages(lab.host('h1'));
  const loaded = await airferry('image', 'copy', at('both.tar'), engine('h1'), ...login());
  assert.equal(new Set(loaded.images.map(({ outcome }) => outcome)), new Set(['copied']));
});

test('names change in a registry, an engine and a bundle without a layer', async () => {
  await airferry('image', 'push', corpus.save20, `${hub.address}/old`, '--plain-http');
  const before = await seen(`docker://${hub.address}/old/site/tiny-b:1.0`);
  await airferry(
    ...['image', 'retag', `docker://${hub.address}/old/`, '--plain-http'],
    `${hub.address}/old/*=${hub.address}/new/*`,
  );
  assert.is(await seen(`docker://${hub.address}/new/site/tiny-b:1.0`), before);
  await airferry('image', 'retag', engine('h2'), 'site/*=plant/*', ...login());
  const names = await lab.host('h2').sh("docker images --format '{{.Repository}}:{{.Tag}}'");
  assert.match(names, 'plant/tiny-b:1.0');
  assert.not.match(names, 'site/tiny-b:1.0');
  await airferry('image', 'retag', at('tiny.bundle.tar'), `${hub.address}/back/*=site/*`);
  const { images } = await airferry<{ images: { names: string[] }[] }>(
    'image',
    'list',
    at('tiny.bundle.tar'),
  );
  assert.equal(
    images.map(image => image.names),
    [['site/tiny-a:1.0']],
  );
});

test('the root file system of a container becomes an image that runs', async () => {
  const h1 = lab.host('h1');
  await h1.sh('docker create --name box busybox:1.35 && docker export box -o /root/box.tar');
  await airferry(
    ...['image', 'import', join(h1.root, 'root/box.tar'), 'site/tool:1', '-o', at('tool.tar')],
    ...['--change', 'CMD ["/bin/busybox","echo","ferried"]'],
  );
  await airferry('image', 'copy', at('tool.tar'), engine('h1'), ...login());
  assert.is((await h1.sh('docker run --rm --network none site/tool:1')).trim(), 'ferried');
});

test('signatures by tag and by subject follow an image to another name, an archive and back', async () => {
  const image = `${hub.address}/signed/app:1`;
  const whole = await airferry(
    'image',
    'copy',
    `docker-archive:${corpus.save26}:site/tiny-a:1.0`,
    `docker://${image}`,
    '--plain-http',
  );
  const subject = whole.images[0]?.digest ?? '';
  await writeFile(at('sbom.json'), '{"spdxVersion":"SPDX-2.3"}');
  const tag = `${hub.address}/signed/app:${subject.replace(':', '-')}.sig`;
  for (const [how, target] of [
    [['attach', '--artifact-type', 'application/spdx+json'], image],
    [['push', '--artifact-type', 'application/vnd.dev.cosign.simplesigning.v1+json'], tag],
  ] as const) {
    const told = await lab.run([await oras(), ...how, '--plain-http', target, 'sbom.json'], { cwd: folder });
    assert.is(told.code, 0, told.stderr);
  }
  const there = `${hub.address}/elsewhere/renamed:2`;
  const copied = await airferry(
    'image',
    'copy',
    `docker://${image}`,
    `docker://${there}`,
    '--plain-http',
    '--referrers',
  );
  assert.equal([copied.images.length, copied.referrers.length, copied.moved.blobs], [1, 2, 0]);
  await airferry('image', 'copy', `docker://${there}`, at('signed.tar'), '--plain-http', '--referrers');
  const last = `docker://${hub.address}/third/app:3`;
  await airferry('image', 'copy', at('signed.tar'), last, '--plain-http', '--referrers');
  assert.is(await seen(last), subject);
  assert.ok(await seen(last.replace(':3', `:${subject.replace(':', '-')}.sig`)));
  const found = await lab.run([await oras(), 'discover', '--plain-http', last.slice('docker://'.length)]);
  assert.match(found.stdout, 'application/spdx+json');
});

test('two pushes of the same blobs at once both come to their end', async () => {
  const push = (): Promise<ImagesCopied> =>
    airferry('image', 'push', corpus.save20, `${hub.address}/twice`, '--plain-http');
  const [one, other] = await Promise.all([push(), push()]);
  const digests = ({ images }: ImagesCopied) => images.map(({ digest }) => digest);
  assert.equal(digests(one), digests(other));
  assert.is(await seen(`docker://${hub.address}/twice/site/tiny-a:1.0`), digestIn(one, 'tiny-a:1.0'));
});

test('Ctrl-C in the middle ends with 130 and nothing half done; once more sends only the rest', async () => {
  const { save20: large } = await siteCorpus();
  /** Interrupt a command when `begun` is true; the exit status. */
  const interrupted = async (argv: string[], begun: () => boolean): Promise<number | null> => {
    const child = lab.spawn(inHome([...CLI, ...argv]), { stdio: 'ignore' });
    const ended = once(child, 'exit');
    while (!begun() && child.exitCode === null) await new Promise(wake => setTimeout(wake, 50));
    child.kill('SIGINT');
    return (await ended)[0] as number | null;
  };
  const partial = (): boolean => readdirSync(folder).some(name => /^\.large\.tar\..*\.part$/.test(name));
  assert.is(await interrupted(['image', 'copy', large, at('large.tar')], partial), 130);
  assert.equal([existsSync(at('large.tar')), partial()], [false, false]);

  const push = ['image', 'push', large, `${hub.address}/cut`, '--plain-http'];
  const layerStored = (): boolean =>
    /"PUT \/v2\/cut\/[^ ]*blobs\/uploads\/[^"]*" 201/.test(readFileSync(hub.logFile, 'utf8'));
  assert.is(await interrupted(push, layerStored), 130);
  const [rest, none] = [await airferry(...push), await airferry(...push)];
  const whole = new Set(rest.images.map(({ digest }) => digest)).size;
  assert.is(whole, 4);
  assert.ok(rest.present.blobs > 0, 'the layer that had arrived was sent again');
  assert.equal(
    [none.moved.blobs, new Set(none.images.map(({ outcome }) => outcome))],
    [0, new Set(['present'])],
  );
});

test.run();
