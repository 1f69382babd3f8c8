/** What the file targets write, read by those for whom it is: each engine in each image store, and skopeo. */
import { execFileSync } from 'node:child_process';
import { copyFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../src/bundle/open.ts';
import { retagBundle } from '../../src/bundle/retag.ts';
import { verifyBundle } from '../../src/bundle/verify.ts';
import { digestOf } from '../../src/content/digest.ts';
import { familiarName } from '../../src/content/reference.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { Meter } from '../../src/support/meter.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { retagInPlace } from '../../src/transports/retag-in-place.ts';
import { type Corpus, tinyCorpus } from '../lab/corpus.ts';
import { forgetImages } from '../lab/forget-images.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import { installStorageTools } from '../lab/runtimes.ts';
import { writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { copyAll, PLACES } from '../transports/places.ts';

const test = suite('archives that airferry writes', { timeout: 300_000 });
const folder = scratch();
const policy = writeTo(folder, 'policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
let lab: Lab;
let corpus: Corpus;

const ENGINES = [
  { host: 'h1', suite: 'bookworm', version: '20.10.24', daemon: {}, store: 'overlay2' },
  { host: 'h2', suite: 'trixie', version: '26.1.5', daemon: {}, store: 'overlay2' },
  {
    host: 'h3',
    suite: 'trixie',
    version: '26.1.5',
    daemon: { features: { 'containerd-snapshotter': true } },
    store: 'overlayfs',
  },
] as const;
const RULE = parseRetagRule('site/*=hub.company.com/plant/*');

test.before(async () => {
  corpus = await tinyCorpus();
  lab = await Lab.up({ hosts: ENGINES.map(({ host, suite }) => ({ name: host, suite })) });
  for (const { host, version, daemon } of ENGINES) await installEngine(lab.host(host), version, daemon);
});

test.after(async () => {
  await lab?.down();
});

function skopeo(...args: string[]): string {
  return execFileSync('skopeo', ['--policy', policy, '--tmpdir', folder, ...args], { encoding: 'utf8' });
}

/** The ID of each image; those that skopeo converted to OCI have others than the engine gave them. */
async function idsOf(path: string): Promise<Map<string, string>> {
  const source = await openImageSource(path);
  const { images } = await source.inventory();
  await source.close();
  return new Map(
    images.flatMap(({ names, config }) => names.map(name => [familiarName(name), config.descriptor.digest])),
  );
}

/** Copy all of an archive to a new place of that kind; its path. */
async function write(from: string, kind: keyof typeof PLACES, name: string): Promise<string> {
  const home = join(folder, name);
  execFileSync('mkdir', ['-p', home]);
  const place = PLACES[kind]?.(home);
  const source = await openImageSource(from);
  if (!place) throw new Error(`there is no place ${kind}`);
  await copyAll(source, place);
  await source.close();
  const file = {
    'docker-archive': 'docker.tar',
    oci: 'layout',
    'oci-archive': 'oci.tar',
    bundle: 'bundle.tar',
  }[kind];
  return join(home, String(file));
}

/** Load an archive into an engine that has no image; the IDs and layers that it has then, by name. */
async function load(host: string, archive: string): Promise<Map<string, { id: string; layers: string[] }>> {
  const machine = lab.host(host);
  await copyFile(archive, join(machine.root, 'root/images.tar'));
  await forgetImages(machine);
  await machine.sh('docker load -i /root/images.tar');
  const names = (await machine.sh('docker images --format "{{.Repository}}:{{.Tag}}"')).trim().split('\n');
  const found = new Map<string, { id: string; layers: string[] }>();
  for (const name of names) {
    const text = await machine.sh(
      `docker image inspect --format '{{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}' ${name}`,
    );
    const [id = '', ...layers] = text.trim().split(' ');
    found.set(name, { id, layers });
  }
  return found;
}

for (const { host, version, store } of ENGINES) {
  test(`docker load of ${version} with ${store} takes what docker-archive: wrote, and runs it`, async () => {
    for (const dialect of ['save20', 'save26', 'ociArchive'] as const) {
      const archive = await write(corpus[dialect], 'docker-archive', `${dialect}-${host}`);
      const ids = await idsOf(corpus[dialect]);
      const loaded = await load(host, archive);
      assert.equal([...loaded.keys()].sort(), corpus.images.map(({ name }) => name).sort(), dialect);
      for (const image of corpus.images) {
        assert.equal(loaded.get(image.name)?.layers, image.diffIds);
        if (store === 'overlay2') assert.is(loaded.get(image.name)?.id, ids.get(image.name));
      }
    }
    const ran = await lab.host(host).sh('docker run --rm busybox:1.35 /bin/busybox echo ferried');
    assert.is(ran.trim(), 'ferried');
  });

  test(`${version} with ${store} loads under their new names what was retagged in place`, async () => {
    const names = corpus.images.map(({ name }) => name.replace(/^site\//, 'hub.company.com/plant/')).sort();
    for (const kind of ['save20', 'save26'] as const) {
      const saved = join(folder, `${kind}-${host}.tar`);
      await copyFile(corpus[kind], saved);
      const ours = await write(corpus[kind], 'docker-archive', `retagged-${kind}-${host}`);
      const bundle = await write(corpus[kind], 'bundle', `bundle-${kind}-${host}`);
      for (const archive of [saved, ours, bundle]) {
        const retag = archive === bundle ? retagBundle : retagInPlace;
        assert.ok((await retag(archive, { rules: [RULE] })).changed);
        const loaded = await load(host, archive);
        assert.equal([...loaded.keys()].sort(), names, archive);
      }
    }
  });
}

test('skopeo finds every image in a layout, an OCI archive and a docker-archive, under its digest', async () => {
  const origin = await openImageSource(corpus.ociArchive);
  const { images } = await origin.inventory();
  await origin.close();
  for (const kind of ['oci', 'oci-archive'] as const) {
    const path = await write(corpus.ociArchive, kind, `skopeo-${kind}`);
    for (const { names, manifest } of images) {
      for (const { registry, repository, tag } of names) {
        const name = `${registry}/${repository}:${tag}`;
        const raw = skopeo('inspect', '--raw', `${kind}:${path}:${name}`);
        assert.is(digestOf(raw), manifest?.descriptor.digest);
        skopeo('copy', '--quiet', `${kind}:${path}:${name}`, `dir:${join(folder, `out-${kind}`)}`);
      }
    }
  }
  const path = await write(corpus.ociArchive, 'docker-archive', 'skopeo-docker');
  for (const [name, id] of await idsOf(corpus.ociArchive))
    assert.is(digestOf(skopeo('inspect', '--config', '--raw', `docker-archive:${path}:${name}`)), id);
});

test('what skopeo adds to a layout of ours is kept when we add to it, and what we add it finds', async () => {
  const layout = await write(corpus.ociArchive, 'oci', 'shared');
  const [[first, firstId] = []] = await idsOf(corpus.ociArchive);
  skopeo('copy', '--quiet', `docker-archive:${corpus.save20}:${first}`, `oci:${layout}:bare-tag`);
  await write(corpus.save26, 'oci', 'shared');
  assert.is(digestOf(skopeo('inspect', '--config', '--raw', `oci:${layout}:bare-tag`)), firstId);
  for (const [name, id] of await idsOf(corpus.save26)) {
    const whole = name.includes('/') ? `docker.io/${name}` : `docker.io/library/${name}`;
    assert.is(digestOf(skopeo('inspect', '--config', '--raw', `oci:${layout}:${whole}`)), id);
  }
});

test('a retagged layout, OCI archive and bundle are what skopeo reads, and the bundle verifies', async () => {
  for (const kind of ['oci', 'oci-archive', 'bundle'] as const) {
    const path = await write(corpus.ociArchive, kind, `renamed-${kind}`);
    await (kind === 'bundle' ? retagBundle : retagInPlace)(path, { rules: [RULE] });
    const transport = kind === 'bundle' ? 'oci-archive' : kind;
    for (const [name, id] of await idsOf(corpus.ociArchive)) {
      if (!name.startsWith('site/')) continue;
      const now = name.replace(/^site\//, 'hub.company.com/plant/');
      assert.is(digestOf(skopeo('inspect', '--config', '--raw', `${transport}:${path}:${now}`)), id);
    }
    if (kind !== 'bundle') continue;
    const bundle = Bundle.open(path);
    assert.equal((await verifyBundle(bundle, { meter: new Meter() })).problems, []);
    bundle.close();
  }
});

test('podman takes a docker-archive and an OCI archive of ours, IDs and layers unchanged', async () => {
  const host = lab.host('h1');
  await installStorageTools(host, 'podman');
  for (const kind of ['docker-archive', 'oci-archive'] as const) {
    const path = await write(corpus.save26, kind, `podman-${kind}`);
    await copyFile(path, join(host.root, 'root/podman.tar'));
    await host.sh('podman rmi -af >/dev/null 2>&1 || true');
    if (kind === 'docker-archive') await host.sh('podman load -q -i /root/podman.tar');
    else await host.sh('podman pull -q oci-archive:/root/podman.tar:docker.io/library/busybox:1.35');
    const inspect =
      'podman image inspect --format "{{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}" busybox:1.35';
    const [id, ...layers] = (await host.sh(inspect)).trim().split(' ');
    const busybox = corpus.images.find(({ name }) => name === 'busybox:1.35');
    assert.is(`sha256:${id}`, busybox?.id, kind);
    assert.equal(layers, busybox?.diffIds, kind);
  }
});

test('what skopeo writes is retagged in place', async () => {
  const archive = join(folder, 'skopeo-docker.tar');
  const name = corpus.images[0]?.name ?? '';
  skopeo('copy', '--quiet', `oci-archive:${corpus.ociArchive}:${name}`, `docker-archive:${archive}:site/x:1`);
  await retagInPlace(archive, { rules: [RULE] });
  assert.match(skopeo('list-tags', `docker-archive:${archive}`), 'hub.company.com/plant/x:1');
  const oci = join(folder, 'skopeo-oci');
  skopeo('copy', '--quiet', `docker-archive:${corpus.save20}:${name}`, `oci:${oci}:v1`);
  await cp(oci, `${oci}-2`, { recursive: true });
  await retagInPlace(oci, {
    rename: { from: 'v1', to: { registry: 'hub.company.com', repository: 'x', tag: '2' } },
  });
  assert.ok(skopeo('inspect', `oci:${oci}:hub.company.com/x:2`).includes('Digest'));
});

test.run();
