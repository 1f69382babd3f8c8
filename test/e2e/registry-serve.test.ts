/** The embedded registry, with the clients that people have: two engines in both image stores, podman, skopeo, oras. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import * as assert from 'uvu/assert';
import { createBundle } from '../../src/actions/bundle-create.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { Meter } from '../../src/support/meter.ts';
import { oras } from '../bench/peers.ts';
import { type Corpus, tinyCorpus } from '../lab/corpus.ts';
import type { Outcome } from '../lab/exec.ts';
import { forgetImages } from '../lab/forget-images.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import { installStorageTools } from '../lab/runtimes.ts';
import { makeCertificate } from '../lab/tls.ts';
import { suite } from '../support/suite.ts';

const test = suite('registry serve', { timeout: 300_000 });
let lab: Lab;
let corpus: Corpus;

const HUB = '10.77.0.1:5600';
const MIRROR = '10.77.0.1:5601';
const SECURE = '10.77.0.1:5602';
const DAEMON = { 'insecure-registries': [HUB, MIRROR], 'registry-mirrors': [`http://${MIRROR}`] };
const ENGINES = [
  { host: 'h1', suite: 'bookworm', version: '20.10.24', daemon: DAEMON },
  { host: 'h2', suite: 'trixie', version: '26.1.5', daemon: DAEMON },
  {
    host: 'h3',
    suite: 'trixie',
    version: '26.1.5',
    daemon: { ...DAEMON, features: { 'containerd-snapshotter': true } },
  },
] as const;
const NAMES = ENGINES.map(({ host }) => host);
const IMAGE = 'site/tiny-a:1.0';

test.before(async () => {
  corpus = await tinyCorpus();
  lab = await Lab.up({ hosts: ENGINES.map(({ host, suite }) => ({ name: host, suite })) });
  for (const { host, version, daemon } of ENGINES) await installEngine(lab.host(host), version, daemon);
  await installStorageTools(lab.host('h1'), 'podman');
});

test.after(async () => {
  await lab?.down();
});

/** Serve for the time of a test; the end of it has to be a clean one. */
async function served(argv: string[], body: () => Promise<void>): Promise<void> {
  const child: ChildProcess = lab.spawn(
    [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      'src/main.ts',
      'registry',
      'serve',
      ...argv,
      '--json',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout?.on('data', chunk => {
    said += chunk;
  });
  try {
    while (!said.trimEnd().endsWith('}')) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    await body();
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
  }
  assert.is(child.exitCode, 130);
  assert.ok(JSON.parse(said).address, 'one document on stdout');
}

/** An engine without images. */
async function clean(name: string): Promise<void> {
  await forgetImages(lab.host(name));
}

async function idOf(name: string, image: string): Promise<string> {
  return (await lab.host(name).sh(`docker image inspect --format '{{.Id}}' ${image}`)).trim();
}

async function operator(argv: string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await lab.run(argv, cwd === undefined ? {} : { cwd });
  assert.is(code, 0, `${argv.join(' ')}\n${stderr}`);
  return stdout;
}

test('engines push to a storage, and pull from it what they and others pushed', async () => {
  const root = join(lab.dir, 'storage');
  await served(['--storage', root, '--listen', HUB, '--plain-http'], async () => {
    for (const name of NAMES) {
      const host = lab.host(name);
      await clean(name);
      await cp(corpus.save20, join(host.root, 'root/saved.tar'));
      await host.sh(`docker load -q -i /root/saved.tar
        docker tag ${IMAGE} ${HUB}/plant/${name}:1.0
        docker push ${HUB}/plant/${name}:1.0`);
    }
    const expected = corpus.images.find(image => image.name === IMAGE)?.id;
    for (const name of NAMES) {
      await clean(name);
      for (const from of NAMES) {
        const image = `${HUB}/plant/${from}:1.0`;
        await lab.host(name).sh(`docker pull -q ${image}`);
        if (name !== 'h3') assert.is(await idOf(name, image), expected);
        const ran = await lab.host(name).sh(`docker run --rm ${image} /bin/busybox echo ferried`);
        assert.is(ran.trim(), 'ferried');
      }
    }
    // The same layers again, under another name: they are mounted, or there.
    const again = await lab
      .host('h2')
      .sh(`docker tag ${HUB}/plant/h2:1.0 ${HUB}/other/app:2 && docker push ${HUB}/other/app:2`);
    assert.match(again, /Mounted from|Layer already exists/);
  });
});

test('podman pushes and pulls', async () => {
  const root = join(lab.dir, 'podman-storage');
  await served(['--storage', root, '--listen', HUB, '--plain-http'], async () => {
    const podman = 'podman --storage-driver vfs --cgroup-manager cgroupfs';
    const host = lab.host('h1');
    await cp(corpus.save26, join(host.root, 'root/saved.tar'));
    await host.sh(`${podman} load -q -i /root/saved.tar
      ${podman} push -q --tls-verify=false localhost/${IMAGE} ${HUB}/plant/podman:1 || ${podman} push -q --tls-verify=false docker.io/${IMAGE} ${HUB}/plant/podman:1
      ${podman} rmi -a -f >/dev/null
      ${podman} pull -q --tls-verify=false ${HUB}/plant/podman:1
      ${podman} rmi -a -f >/dev/null`);
    await clean('h2');
    await lab.host('h2').sh(`docker pull -q ${HUB}/plant/podman:1`);
  });
});

test('skopeo copies in, out, across, and lists; what lies there is a layout that it reads', async () => {
  const root = join(lab.dir, 'skopeo-storage');
  await served(['--storage', root, '--listen', HUB, '--plain-http'], async () => {
    const copy = [
      'skopeo',
      '--insecure-policy',
      'copy',
      '--quiet',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
    ];
    await operator([...copy, `oci:${corpus.ociLayout}:${IMAGE}`, `docker://${HUB}/plant/a:1`]);
    await operator([...copy, `docker://${HUB}/plant/a:1`, `docker://${HUB}/plant/b:1`]);
    await operator([...copy, `docker://${HUB}/plant/b:1`, `oci:${join(lab.dir, 'out')}:1`]);
    const inspect = async (where: string): Promise<string> =>
      JSON.parse(await operator(['skopeo', 'inspect', '--tls-verify=false', where])).Digest;
    const digest = await inspect(`docker://${HUB}/plant/a:1`);
    assert.is(await inspect(`docker://${HUB}/plant/b:1`), digest);
    assert.is(await inspect(`oci:${join(root, 'plant/b')}:1`), digest);
    const list = await operator(['skopeo', 'list-tags', '--tls-verify=false', `docker://${HUB}/plant/a`]);
    assert.equal(JSON.parse(list).Tags, ['1']);
    await operator(['skopeo', 'delete', '--tls-verify=false', `docker://${HUB}/plant/a:1`]);
    const gone = await lab.run(['skopeo', 'inspect', '--tls-verify=false', `docker://${HUB}/plant/a:1`]);
    assert.match(gone.stderr, /manifest unknown|no such manifest/);
  });
});

test('oras pushes artifacts, attaches to them, finds what is attached, and copies all of it', async () => {
  const root = join(lab.dir, 'oras-storage');
  const program = await oras();
  const folder = join(lab.dir, 'oras');
  await mkdir(folder);
  await writeFile(join(folder, 'chart.txt'), 'chart');
  await writeFile(join(folder, 'sbom.json'), '{}');
  await served(['--storage', root, '--listen', HUB, '--plain-http'], async () => {
    const run = (command: string, ...rest: string[]) =>
      operator([program, ...command.split(' '), ...rest], folder);
    await run(
      'push --plain-http --artifact-type application/chart',
      `${HUB}/charts/app:1`,
      'chart.txt:text/plain',
    );
    await run('attach --plain-http --artifact-type application/sbom', `${HUB}/charts/app:1`, 'sbom.json');
    const found = JSON.parse(await run('discover --plain-http --format json', `${HUB}/charts/app:1`));
    assert.is((found.referrers ?? found.manifests)[0].artifactType, 'application/sbom');
    await run('cp --from-plain-http --to-plain-http -r', `${HUB}/charts/app:1`, `${HUB}/mirror/app:1`);
    const copied = JSON.parse(await run('discover --plain-http --format json', `${HUB}/mirror/app:1`));
    assert.is((copied.referrers ?? copied.manifests).length, 1);
    await run('pull --plain-http -o out', `${HUB}/mirror/app:1`);
    assert.is(await readFile(join(folder, 'out/chart.txt'), 'utf8'), 'chart');
    assert.equal((await run('repo ls --plain-http', HUB)).trim().split('\n'), ['charts/app', 'mirror/app']);
    await run('manifest delete --plain-http -f', `${HUB}/charts/app:1`);
    const tags = await lab.run([program, 'repo', 'tags', '--plain-http', `${HUB}/charts/app`]);
    assert.is(tags.stdout.trim(), '');
  });
});

test('engines take a bundle and a saved archive for a mirror of Docker Hub, and run what they pull', async () => {
  const bundle = join(lab.dir, 'site.tar');
  await createBundle({
    recipe: parseRecipe(`name: t\nversion: "1"\nimages: [{ archive: ${corpus.save20} }]\n`, {
      file: join(lab.dir, 'bundle.yaml'),
    }),
    output: bundle,
    meter: new Meter(),
  });
  for (const source of [bundle, corpus.save20, corpus.save26, corpus.ociArchive])
    await served([source, '--listen', MIRROR, '--plain-http'], async () => {
      for (const name of NAMES) {
        await clean(name);
        await lab.host(name).sh(`docker pull -q busybox:1.35 && docker pull -q ${IMAGE}`);
        const ran = await lab.host(name).sh('docker run --rm busybox:1.35 /bin/busybox echo ferried');
        assert.is(ran.trim(), 'ferried', source);
      }
    });
});

/** Flags for TLS and passwords, with a certificate that all engines trust. */
async function secured(): Promise<string[]> {
  const folder = join(lab.dir, 'secure');
  await mkdir(folder, { recursive: true });
  const { caFile, certFile, keyFile } = await makeCertificate(folder, ['IP:10.77.0.1']);
  const users = join(folder, 'users');
  await writeFile(users, `ops:${bcrypt.hashSync('pa:ss word-7', 8)}\n`);
  for (const name of NAMES) {
    const trusted = join(lab.host(name).root, 'etc/docker/certs.d', SECURE);
    await mkdir(trusted, { recursive: true });
    await cp(caFile, join(trusted, 'ca.crt'));
  }
  return ['--listen', SECURE, '--tls-cert', certFile, '--tls-key', keyFile, '--htpasswd', users];
}

async function login(name: string, password: string): Promise<Outcome> {
  const argv = ['docker', 'login', '-u', 'ops', '--password-stdin', SECURE];
  return lab.host(name).exec(argv, { input: password });
}

const DENIED = /no basic auth credentials|authentication required|401|authorization failed/;

test('with a certificate and passwords, engines log in first', async () => {
  await served([corpus.save26, ...(await secured())], async () => {
    for (const name of NAMES) {
      const host = lab.host(name);
      await clean(name);
      const denied = await host.exec(['docker', 'pull', `${SECURE}/${IMAGE}`]);
      assert.is.not(denied.code, 0);
      assert.match(denied.stderr, DENIED);
      assert.is.not((await login(name, 'no')).code, 0);
      const { code, stderr } = await login(name, 'pa:ss word-7');
      assert.is(code, 0, stderr);
      await host.sh(`docker pull -q ${SECURE}/${IMAGE}`);
    }
  });
});

test('so they do before they push to a storage, from which the others pull and run it', async () => {
  await served(['--storage', join(lab.dir, 'secure-storage'), ...(await secured())], async () => {
    for (const name of NAMES) {
      const host = lab.host(name);
      await clean(name);
      await cp(corpus.save20, join(host.root, 'root/saved.tar'));
      const image = `${SECURE}/plant/${name}:1.0`;
      await host.sh(`docker load -q -i /root/saved.tar && docker tag ${IMAGE} ${image}
        docker logout ${SECURE}`);
      const denied = await host.exec(['docker', 'push', image]);
      assert.is.not(denied.code, 0);
      assert.match(denied.stderr + denied.stdout, DENIED);
      assert.is((await login(name, 'pa:ss word-7')).code, 0);
      await host.sh(`docker push -q ${image}`);
    }
    for (const [i, name] of NAMES.entries()) {
      await clean(name);
      const image = `${SECURE}/plant/${NAMES[(i + 1) % NAMES.length]}:1.0`;
      await lab.host(name).sh(`docker pull -q ${image}`);
      const ran = await lab.host(name).sh(`docker run --rm ${image} /bin/busybox echo ferried`);
      assert.is(ran.trim(), 'ferried');
    }
  });
});

test.run();
