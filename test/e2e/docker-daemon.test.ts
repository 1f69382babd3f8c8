/** Engines as places for images: reached by each way, read, written, and from one into another; each store of each engine. */

import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Corpus, tinyCorpus } from '../lab/corpus.ts';
import { forgetImages } from '../lab/forget-images.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import type { Registry } from '../lab/registry.ts';
import { USERS } from '../lab/rootfs.ts';
import { makeCertificate } from '../lab/tls.ts';
import { writeFolder } from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { randomLayout } from '../transports/random-images.ts';
import { clientCertificate, done, operate } from './engine-operator.ts';

const test = suite('docker-daemon', { timeout: 300_000 });
let lab: Lab;
let corpus: Corpus;
let registry: Registry;
let certPath: string;

const ENGINES = [
  { name: 'e20', suite: 'bookworm', version: '20.10.24', daemon: {}, store: 'classic' },
  { name: 'e26', suite: 'trixie', version: '26.1.5', daemon: {}, store: 'classic' },
  {
    name: 'e26c',
    suite: 'trixie',
    version: '26.1.5',
    daemon: { features: { 'containerd-snapshotter': true } },
    store: 'containerd',
  },
] as const;
/** Of random images; more are in transports/round-trip.test.ts. */
const SEEDS = [1, 2];
type Name = (typeof ENGINES)[number]['name'];

const ssh = (name: Name, user = 'root'): string => `ssh://${user}@${lab.host(name).address}`;
/** The host's own socket, as it is seen from outside. */
const unix = (name: Name): string => `unix:///proc/${lab.host(name).leader}/root/run/docker.sock`;
const empty = (name: Name): Promise<void> => forgetImages(lab.host(name));

/** The images of an engine by name: ID and layers. */
async function imagesOf(name: Name): Promise<Map<string, { id: string; layers: string[] }>> {
  const format = '{{index .RepoTags 0}} {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}';
  const said = await lab
    .host(name)
    .sh(
      `docker images -q --filter dangling=false | sort -u | xargs -r docker image inspect --format '${format}'`,
    );
  return new Map(
    said
      .trim()
      .split('\n')
      .filter(Boolean)
      .map(line => line.split(' '))
      .map(([image = '', id = '', ...layers]) => [image, { id, layers }]),
  );
}

test.before(async () => {
  lab = await Lab.up({ hosts: ENGINES.map(({ name, suite }) => ({ name, suite })) });
  corpus = await tinyCorpus();
  registry = await lab.startRegistry();
  certPath = join(lab.dir, 'tls');
  await makeCertificate(certPath, [`IP:${lab.host('e26').address}`]);
  await clientCertificate(certPath);
  for (const { name, version, daemon } of ENGINES) {
    const host = lab.host(name);
    const insecure = { ...daemon, 'insecure-registries': [registry.address] };
    if (name === 'e26') {
      await mkdir(join(host.root, 'etc/docker'), { recursive: true });
      for (const file of ['ca.crt', 'server.crt', 'server.key'])
        await copyFile(join(certPath, file), join(host.root, 'etc/docker', file));
      const listens = {
        hosts: ['unix:///var/run/docker.sock', 'tcp://0.0.0.0:2376'],
        tlsverify: true,
        tlscacert: '/etc/docker/ca.crt',
        tlscert: '/etc/docker/server.crt',
        tlskey: '/etc/docker/server.key',
      };
      await installEngine(host, version, { ...insecure, ...listens });
    } else await installEngine(host, version, insecure);
    await copyFile(corpus.save20, join(host.root, 'root/save.tar'));
    await host.sh('docker load -i /root/save.tar');
  }
});

test.after(async () => {
  await lab?.down();
});

test('engines are reached by their socket, by SSH as root and with sudo, and by TCP with TLS', async () => {
  for (const { name, version } of ENGINES) {
    for (const from of [unix(name), ssh(name), ssh(name, 'ops')]) {
      const answer = await done(lab, { task: 'ask', from, sudoPassword: USERS.ops.password });
      assert.match(answer.version ?? '', version, from);
      assert.is(answer.images, 3, from);
      assert.equal(answer.notes, [], from);
    }
  }
  const tcp = `tcp://${lab.host('e26').address}:2376`;
  assert.is((await done(lab, { task: 'ask', from: tcp, certPath })).images, 3);
});

test('who may not, and what is not there, is told with what to do', async () => {
  const refused = async (from: string, more: object = {}): Promise<string> => {
    const { failed } = await operate(lab, { task: 'ask', from, ...more });
    assert.ok((failed?.suggestions.length ?? 0) > 0, from);
    return failed?.code ?? 'no failure';
  };
  assert.is(await refused(ssh('e26', 'plain')), 'ENGINE_DENIED');
  assert.is(await refused(ssh('e26', 'ops'), { sudoPassword: 'wrong' }), 'HOST_SUDO');
  const tcp = `tcp://${lab.host('e26').address}:2376`;
  assert.is(await refused(tcp), 'ENGINE_TLS', 'no certificates');
  const other = join(lab.dir, 'other');
  await makeCertificate(other, ['IP:127.0.0.1']);
  assert.is(await refused(tcp, { certPath: await clientCertificate(other) }), 'ENGINE_TLS', 'another CA');
  await copyFile(join(certPath, 'ca.pem'), join(other, 'ca.pem'));
  assert.is(await refused(tcp, { certPath: other }), 'ENGINE_TLS', 'a client that it does not trust');
  assert.is(await refused(`tcp://${lab.host('e26').address}:22`), 'ENGINE_FAILED', 'sshd');
  assert.is(await refused(`tcp://${lab.host('e26').address}:2377`), 'ENGINE_NOT_READY', 'nobody');
  const host = lab.host('e20');
  await host.sh('systemctl stop docker');
  assert.is(await refused(ssh('e20')), 'ENGINE_NOT_READY');
  assert.is(await refused(ssh('e20', 'ops'), { sudoPassword: USERS.ops.password }), 'ENGINE_NOT_READY');
  assert.is(await refused(unix('e20')), 'ENGINE_NOT_READY');
  await host.sh('systemctl start docker');
});

test('without the docker command on the host its socket is forwarded, and that is said', async () => {
  const host = lab.host('e20');
  await host.sh('mv /usr/bin/docker /usr/bin/docker.away');
  try {
    const answer = await done(lab, { task: 'ask', from: ssh('e20') });
    assert.is(answer.images, 3);
    assert.match(answer.notes.join(), /reached by a forward to \/var\/run\/docker\.sock/);
    const { failed } = await operate(lab, { task: 'ask', from: ssh('e20', 'plain') });
    assert.is(failed?.code, 'ENGINE_NOT_READY');
  } finally {
    await host.sh('mv /usr/bin/docker.away /usr/bin/docker');
  }
});

for (const from of ENGINES) {
  for (const to of ENGINES) {
    if (from.name === to.name) continue;
    test(`${from.name} → ${to.name}: the same images stand there, and the second time those of the same kind stay`, async () => {
      await empty(to.name);
      const request = { task: 'load', from: ssh(from.name), to: ssh(to.name) } as const;
      const first = await done(lab, request);
      assert.equal(
        first.loads?.map(({ how }) => how),
        ['loaded', 'loaded', 'loaded'],
      );
      const [here, there] = [await imagesOf(from.name), await imagesOf(to.name)];
      assert.is(there.size, 3);
      for (const { name, id, diffIds } of corpus.images) {
        assert.equal(there.get(name)?.layers, diffIds);
        if (to.store === 'classic') assert.is(there.get(name)?.id, id);
        if (to.store === from.store) assert.is(there.get(name)?.id, here.get(name)?.id);
      }
      const ran = await lab.host(to.name).sh('docker run --rm site/tiny-a:1.0');
      assert.is(ran.trim(), 'a');
      if (from.store !== to.store) return;
      const again = await done(lab, request);
      assert.equal(
        again.loads?.map(({ how }) => how),
        ['present', 'present', 'present'],
      );
      assert.is(again.moved?.bytes, 0);
      const tagged = await done(lab, { ...request, suffix: '-b' });
      assert.equal(
        tagged.loads?.map(({ how }) => how),
        ['tagged', 'tagged', 'tagged'],
      );
    });
  }
}

/** Whether an image of a layout has a layer in zstd. */
function inZstd(layout: string): boolean {
  const blobs = join(layout, 'blobs/sha256');
  return readdirSync(blobs).some(name => /tar\+zstd/.test(readFileSync(join(blobs, name), 'latin1')));
}

for (const from of ENGINES) {
  test(`random images keep their names, IDs and layers on their way into ${from.name} and on to the others`, async () => {
    for (const seed of SEEDS) {
      const layout = join(lab.dir, `random-${from.name}-${seed}`);
      await mkdir(layout);
      writeFolder(layout, await randomLayout(seed, { runnable: true }));
      const { view: expected = [] } = await done(lab, { task: 'view', from: layout });
      assert.ok(expected.length > 0);
      await empty(from.name);
      await done(lab, { task: 'load', from: layout, to: ssh(from.name) });
      const said = `seed ${seed}`;
      assert.equal((await done(lab, { task: 'view', from: ssh(from.name) })).view, expected, said);
      for (const to of ENGINES) {
        if (to.name === from.name) continue;
        await empty(to.name);
        const { failed } = await operate(lab, { task: 'load', from: ssh(from.name), to: ssh(to.name) });
        // The containerd store has kept them as they came.
        if (from.store === 'containerd' && to.name === 'e20' && inZstd(layout)) {
          assert.is(failed?.code, 'LOAD_FAILED', said);
          assert.match(failed?.message ?? '', /has layers compressed with zstd, which engine 20 cannot read/);
          continue;
        }
        assert.is(failed, undefined, said);
        assert.equal((await done(lab, { task: 'view', from: ssh(to.name) })).view, expected, said);
      }
    }
  });
}

for (const { name, store } of ENGINES) {
  test(`an archive and a compressed one into ${name}, under other names`, async () => {
    await empty(name);
    const plain = await done(lab, { task: 'load', from: corpus.save26, to: ssh(name), suffix: '-p' });
    assert.equal(
      plain.loads?.map(({ how }) => how),
      ['loaded', 'loaded', 'loaded'],
    );
    const there = await imagesOf(name);
    for (const image of corpus.images) {
      assert.equal(there.get(`${image.name}-p`)?.layers, image.diffIds);
      if (store === 'classic') assert.is(there.get(`${image.name}-p`)?.id, image.id);
    }
    await empty(name);
    for (const archive of [corpus.save20Gzip, corpus.save26Zstd]) {
      const whole = await done(lab, { task: 'load', from: archive, to: ssh(name), suffix: '-w' });
      assert.is(whole.loads?.length, 3);
      const names = [...(await imagesOf(name)).keys()].sort();
      assert.equal(names, corpus.images.map(image => `${image.name}-w`).sort());
    }
  });
}

test('an update by one small layer sends that layer, from a file and from another engine', async () => {
  await empty('e26');
  await done(lab, { task: 'load', from: corpus.save20, to: ssh('e26') });
  await empty('e20');
  await lab.host('e20').sh('docker load -i /root/save.tar');
  const built = `printf 'FROM site/tiny-a:1.0\\nRUN head -c 50000 /dev/urandom >/new\\n' |
    DOCKER_BUILDKIT=0 docker build -t site/tiny-a:1.1 -`;
  await lab.host('e20').sh(built);
  const { loads } = await done(lab, {
    task: 'load',
    from: ssh('e20'),
    to: ssh('e26'),
    names: ['site/tiny-a:1.1'],
  });
  const [load] = loads ?? [];
  assert.is(load?.leftOut.layers, 3);
  assert.ok(load && load.bytes < 51_200 * 1.05 + 65_536, `${load?.bytes} bytes`);
  const [here, there] = [await imagesOf('e20'), await imagesOf('e26')];
  assert.equal(there.get('site/tiny-a:1.1'), here.get('site/tiny-a:1.1'));
  const ran = await lab.host('e26').sh('docker run --rm site/tiny-a:1.1 wc -c /new');
  assert.match(ran, /^50000 /);
});

test('engines into a registry, each layer once, and engines pull it again', async () => {
  for (const { name } of ENGINES) {
    await empty(name);
    await lab.host(name).sh('docker load -i /root/save.tar');
    const pushed = await done(lab, {
      task: 'push',
      from: ssh(name),
      to: registry.address,
      suffix: `-${name}`,
    });
    assert.is(pushed.copied?.length, 3);
    await empty(name);
    for (const { name: image, diffIds, id } of corpus.images) {
      await lab.host(name).sh(`docker pull -q ${registry.address}/${full(image)}-${name}`);
      const found = (await imagesOf(name)).get(`${registry.address}/${full(image)}-${name}`);
      assert.equal(found?.layers, diffIds);
      if (name !== 'e26c') assert.is(found?.id, id);
    }
  }
});

test('what was pulled into the containerd store keeps its digest on the way back', async () => {
  const name = `${registry.address}/site/tiny-a:1.0-e20`;
  await empty('e26c');
  await lab.host('e26c').sh(`docker pull -q ${name}`);
  const id = (await imagesOf('e26c')).get(name)?.id;
  const pushed = await done(lab, { task: 'push', from: ssh('e26c'), to: registry.address, suffix: '-back' });
  assert.is(pushed.copied?.[0]?.digest, id);
  assert.is(pushed.moved?.blobs, 0, 'the registry has them');
});

const full = (name: string): string => (name.includes('/') ? name : `library/${name}`);

test.run();
