/** `registry serve --storage` by its command line: pushed to over TLS with passwords, and killed in the middle of everything. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import * as assert from 'uvu/assert';
import type { Digest } from '../../src/content/digest.ts';
import { digestOf } from '../../src/content/digest.ts';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { must, run } from '../lab/exec.ts';
import { makeCertificate } from '../lab/tls.ts';
import {
  describe,
  manifestOf,
  pushBlob,
  pushImage,
  putManifest,
  type Served,
  type TestManifest,
} from '../registry/server/rig.ts';
import { imageOf, layerOf, manifestOf as manifestOfImage, ociArchive, writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { randomImage } from './badday.ts';
import { end, type Serving, serve } from './serving.ts';

const test = suite('bad days of registry serve', { timeout: 120_000 });
const folder = scratch();

/** What was done to one manifest under one reference; nobody knows what became of a request without an answer. */
interface Deed {
  repository: string;
  reference: string;
  manifest: TestManifest;
  subject?: Digest;
  state: 'there' | 'gone' | 'unsure';
}

/** A server at work, asked without a client in between. */
function asked({ address }: Serving): Served {
  const ask: Served['ask'] = async (method, path, { headers = {}, body } = {}) => {
    const init = { method, headers, ...(body !== undefined && { body: Buffer.from(body) }) };
    const answer = await fetch(`http://${address}/v2/${path}`, init);
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, headers: answer.headers, bytes, code: undefined };
  };
  return { ask } as Served;
}

/** Push, mount elsewhere, refer to, delete; again and again until the server is gone. */
async function work(served: Served, who: string, deeds: Deed[], done: () => void): Promise<never> {
  const mine: Deed[] = [];
  const changed = async (deed: Deed, to: 'there' | 'gone', change: () => Promise<unknown>) => {
    deed.state = 'unsure';
    await change();
    deed.state = to;
    done();
  };
  const noted = (deed: Omit<Deed, 'state'>): Deed => {
    const whole: Deed = { ...deed, state: 'unsure' };
    for (const list of [mine, deeds]) list.push(whole);
    return whole;
  };
  const accepted = async (status: number, ...[method, path]: [string, string]): Promise<void> =>
    assert.is((await served.ask(method, path)).status, status, `${method} ${path}`);
  for (let n = 0; ; n++) {
    const [repository, other] = [`plant/r${n % 3}`, `other/r${n % 2}`];
    const image = noted({ repository, reference: `${who}-${n}`, manifest: manifestOf() });
    const { manifest, reference } = image;
    await changed(image, 'there', () => pushImage(served, repository, reference, manifest));

    const mounted = noted({ repository: other, reference, manifest });
    await changed(mounted, 'there', async () => {
      for (const blob of [manifest.config, manifest.layer])
        await accepted(201, 'POST', `${other}/blobs/uploads/?mount=${digestOf(blob)}&from=${repository}`);
      assert.is((await putManifest(served, other, reference, manifest.bytes)).status, 201);
    });

    const about = manifestOf({
      artifactType: 'application/sbom',
      subject: describe(OCI_MANIFEST, manifest.bytes),
    });
    const subject = manifest.digest;
    const referrer = noted({ repository, reference: about.digest, manifest: about, subject });
    await changed(referrer, 'there', () => pushImage(served, repository, about.digest, about));

    const victim = mine.filter(({ state }) => state === 'there')[(n * 7) % (n + 3)];
    if (!victim) continue;
    const path = `${victim.repository}/manifests`;
    if (n % 2) await changed(victim, 'gone', () => accepted(202, 'DELETE', `${path}/${victim.reference}`));
    else {
      const { digest, layer } = victim.manifest;
      await changed(victim, 'gone', () => accepted(202, 'DELETE', `${path}/${digest}`));
      await accepted(202, 'DELETE', `${victim.repository}/blobs/${digestOf(layer)}`);
      // Nothing else is lost when the same bytes come once more.
      await pushBlob(served, victim.repository, layer);
    }
  }
}

/** Every tag can be read to its last byte, and so can what refers to it. */
async function readAll({ ask }: Served): Promise<number> {
  const json = async (path: string) => {
    const { status, bytes } = await ask('GET', path);
    assert.is(status, 200, path);
    return JSON.parse(bytes.toString());
  };
  const whole = async (repository: string, reference: string): Promise<Digest> => {
    const { status, bytes } = await ask('GET', `${repository}/manifests/${reference}`);
    assert.is(status, 200, `${repository}:${reference}`);
    const { config, layers } = JSON.parse(bytes.toString());
    for (const { digest } of [config, ...layers])
      assert.is(digestOf((await ask('GET', `${repository}/blobs/${digest}`)).bytes), digest);
    return digestOf(bytes);
  };
  let tags = 0;
  for (const repository of (await json('_catalog?n=1000')).repositories)
    for (const tag of (await json(`${repository}/tags/list?n=10000`)).tags) {
      tags++;
      const digest = await whole(repository, tag);
      for (const referrer of (await json(`${repository}/referrers/${digest}`)).manifests)
        assert.is(await whole(repository, referrer.digest), referrer.digest);
    }
  return tags;
}

/** What was acknowledged holds. */
async function holdsAll({ ask }: Served, deeds: readonly Deed[]): Promise<void> {
  for (const { repository, reference, manifest, subject, state } of deeds) {
    if (state === 'unsure') continue;
    const { status, bytes } = await ask('GET', `${repository}/manifests/${reference}`);
    assert.is(status, state === 'there' ? 200 : 404, `${repository}:${reference}, ${state}`);
    if (state === 'there') assert.is(digestOf(bytes), manifest.digest);
    if (!subject) continue;
    const listed = JSON.parse((await ask('GET', `${repository}/referrers/${subject}`)).bytes.toString());
    const has = listed.manifests.some(({ digest }: { digest: Digest }) => digest === manifest.digest);
    assert.is(has, state === 'there', `${reference} among the referrers of ${subject}`);
  }
}

const isTagged = ({ state, subject }: Deed): boolean => state === 'there' && subject === undefined;

test('killed ten times among mounts, deletes and referrers, it starts again, and all that it lists can be read', async () => {
  const storage = join(folder, 'killed');
  const deeds: Deed[] = [];
  for (let round = 0; ; round++) {
    const serving = await serve('--storage', storage);
    const served = asked(serving);
    await holdsAll(served, deeds);
    const tags = await readAll(served);
    assert.ok(tags >= deeds.filter(isTagged).length, `${tags} tags`);
    assert.is(serving.told(), '');
    if (round === 10) {
      await end(serving, 'SIGKILL');
      break;
    }
    let count = 0;
    const failures: unknown[] = [];
    const workers = ['a', 'b', 'c', 'd'].map(who =>
      work(served, `${who}${round}`, deeds, () => count++).catch(error => failures.push(error)),
    );
    while (count < 30 && failures.length === 0) await new Promise(resolve => setTimeout(resolve, 1));
    await new Promise(resolve => setTimeout(resolve, round * 3));
    await end(serving, 'SIGKILL');
    await Promise.all(workers);
    // Nothing but the connection failed.
    for (const failure of failures) assert.instance(failure, TypeError, `${failure}`);
  }
  assert.ok(deeds.filter(({ state }) => state === 'gone').length > 10, 'something was deleted');
});

test('skopeo pushes to it over TLS with a password, and pulls what it pushed; others are not let in', async () => {
  const { caFile, certFile, keyFile } = await makeCertificate(join(folder, 'tls'), ['IP:127.0.0.1']);
  const certs = join(folder, 'certs');
  mkdirSync(certs);
  copyFileSync(caFile, join(certs, 'ca.crt'));
  const users = writeTo(folder, 'users', `ops:${bcrypt.hashSync('pa:ss word-7', 5)}\n`);
  const image = await randomImage('site/app:1.0');
  const source = writeTo(folder, 'app.oci.tar', await ociArchive([image]));
  const secure = ['--tls-cert', certFile, '--tls-key', keyFile, '--htpasswd', users];
  const serving = await serve('--storage', join(folder, 'secure'), ...secure);
  const place = `docker://${serving.address}/plant/app:1.0`;
  const copy = ['skopeo', '--insecure-policy', 'copy', '-q'];
  const push = (login: string): string[] => [
    ...[...copy, '--dest-cert-dir', certs, '--dest-creds', login],
    ...[`oci-archive:${source}`, place],
  ];
  const denied = await run(push('ops:wrong'));
  assert.is.not(denied.code, 0);
  assert.match(denied.stderr, /unauthorized|authentication required|invalid username\/password/);
  await must(push('ops:pa:ss word-7'));
  const back = join(folder, 'back');
  await must([...copy, '--src-cert-dir', certs, '--src-creds', 'ops:pa:ss word-7', place, `oci:${back}`]);
  assert.is(
    digestOf(await must(['skopeo', 'inspect', '--raw', `oci:${back}`])),
    digestOf(manifestOfImage(image)),
  );

  const config = join(folder, 'docker');
  mkdirSync(config);
  const airferry = (...argv: string[]) =>
    run([process.execPath, 'bin/dev.js', ...argv, '--ca', caFile, '--json'], {
      env: { DOCKER_CONFIG: config },
    });
  const pull = ['image', 'copy', place, `oci:${join(folder, 'pulled')}`];
  const anonymous = await airferry(...pull);
  assert.is(JSON.parse(anonymous.stdout).error.code, 'REGISTRY_UNAUTHORIZED');
  const auth = Buffer.from('ops:pa:ss word-7').toString('base64');
  writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [serving.address]: { auth } } }));
  const pulled = await airferry(...pull);
  assert.is(JSON.parse(pulled.stdout).images[0]?.digest, digestOf(manifestOfImage(image)), pulled.stderr);
  const pushed = await airferry('image', 'push', source, `${serving.address}/plant2`);
  const { moved } = JSON.parse(pushed.stdout);
  assert.is(moved.blobs, 4, pushed.stderr);
  const again = await airferry('image', 'push', source, `${serving.address}/plant2`);
  assert.is(JSON.parse(again.stdout).moved.blobs, 0, again.stderr);
  await end(serving, 'SIGTERM');
  assert.is(serving.child.exitCode, 130);
});

/** What a server has written so far: the content that came, and its answers. */
function bytesWritten({ child }: Serving): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${child.pid}/io`, 'utf8'))?.[1]);
}

test('a push that is killed in mid-blob is gone on with by the next one, from the byte where it stopped', async () => {
  const storage = join(folder, 'resumed');
  const uploads = join(storage, '.airferry/unfinished');
  const large = await layerOf('large', randomBytes(100_000_000));
  const image = imageOf(['site/large:1.0'], [large]);
  const source = writeTo(folder, 'large.oci.tar', await ociArchive([image]));
  const serving = await serve('--storage', storage);
  const argv = ['bin/dev.js', 'image', 'push', source, serving.address, '--plain-http', '--json'];
  const own = ['DOCKER_CONFIG', 'XDG_STATE_HOME', 'XDG_CACHE_HOME'].map(name => [name, folder]);
  const env = { ...process.env, ...Object.fromEntries(own) };
  const bytesThere = (): number => {
    const files = existsSync(uploads) ? readdirSync(uploads) : [];
    return Math.max(
      0,
      ...files.map(file => statSync(join(uploads, file), { throwIfNoEntry: false })?.size ?? 0),
    );
  };
  const first = spawn(process.execPath, argv, { env, stdio: 'ignore' });
  const over = once(first, 'close');
  while (bytesThere() < 30_000_000) {
    assert.is(first.exitCode, null, 'it is still at it');
    await new Promise(resolve => setTimeout(resolve, 2));
  }
  first.kill('SIGKILL');
  await over;
  const kept = bytesThere();
  assert.ok(kept < large.length, 'it was in mid-blob');
  const before = bytesWritten(serving);
  const second = await run([process.execPath, ...argv], { env });
  assert.is(second.code, 0, second.stdout);
  const came = bytesWritten(serving) - before;
  assert.ok(came < large.length - kept + 2_000_000, `${came} bytes came, ${kept} were there`);
  assert.is(await readAll(asked(serving)), 1);
  await end(serving, 'SIGTERM');
});

test.run();
