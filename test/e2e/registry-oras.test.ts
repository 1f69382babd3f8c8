/** oras and airferry take turns: what either writes, into a registry, a layout or an archive, the other reads. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { ImagesCopied } from '../../src/actions/copied.ts';
import { digestOf } from '../../src/content/digest.ts';
import { oras } from '../bench/peers.ts';
import { must } from '../lab/exec.ts';
import { manifestOf, ociArchive, writeTo } from '../support/archives.ts';
import { type Distribution, Distributions } from '../support/distribution.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { randomImage } from './badday.ts';

const test = suite('oras and airferry', { timeout: 120_000 });
const folder = scratch();
const registries = new Distributions();
let real: Distribution;
let program: string;

test.before(async () => {
  program = await oras();
  real = await registries.start();
});
test.after(() => registries.end());

const env = { DOCKER_CONFIG: folder, XDG_STATE_HOME: folder, XDG_CACHE_HOME: folder };
const runOras = (...argv: string[]): Promise<string> => must([program, ...argv], { env, cwd: folder });

async function airferry(...argv: string[]): Promise<ImagesCopied> {
  return JSON.parse(await must([process.execPath, 'bin/dev.js', ...argv, '--plain-http', '--json'], { env }));
}

/** The digests of what hangs on an image, as oras finds them. */
async function attached(...place: string[]): Promise<string[]> {
  const found = JSON.parse(await runOras('discover', '--format', 'json', ...place));
  return (found.referrers ?? found.manifests ?? []).map(({ digest }: { digest: string }) => digest);
}

/** The digest of the manifest that stands at a place of the registry, as oras fetches it. */
async function digestAt(place: string): Promise<string> {
  return digestOf(Buffer.from(await runOras('manifest', 'fetch', '--plain-http', place)));
}

/** An image that airferry pushed, and to which oras attached an SBOM. */
async function pushed(name: string): Promise<{ place: string; digest: string; sbom: string }> {
  const image = await randomImage(name);
  await airferry('image', 'push', writeTo(folder, 'image.tar', await ociArchive([image])), real.address);
  const place = `${real.address}/${name}`;
  writeTo(folder, 'sbom.json', `{"of":"${name}"}`);
  await runOras('attach', '--plain-http', '--artifact-type', 'application/sbom', place, 'sbom.json');
  const [sbom = '', ...more] = await attached('--plain-http', place);
  assert.equal(more, []);
  return { place, digest: digestOf(manifestOf(image)), sbom };
}

test('oras copies an image that airferry pushed, with what is attached to it, and airferry takes both from there', async () => {
  const { place, digest, sbom } = await pushed('plant/one:1.0');
  const layout = join(folder, 'from-oras');
  await runOras('cp', '-r', '--from-plain-http', place, '--to-oci-layout', `${layout}:1.0`);
  const back = `docker://${real.address}/back/one:1.0`;
  const { images } = await airferry('image', 'copy', `oci:${layout}:1.0`, back, '--referrers');
  assert.is(images[0]?.digest, digest);
  assert.equal(await attached('--plain-http', back.slice('docker://'.length)), [sbom]);
});

test('oras copies a layout and an archive that airferry wrote, with what is attached, digests and all', async () => {
  const { place, digest, sbom } = await pushed('plant/two:1.0');
  for (const kind of ['oci', 'oci-archive']) {
    const path = join(folder, `for-oras.${kind}`);
    await airferry('image', 'copy', `docker://${place}`, `${kind}:${path}:1.0`, '--referrers');
    const target = `${real.address}/back/${kind}:1.0`;
    await runOras('cp', '-r', '--from-oci-layout', `${path}:1.0`, '--to-plain-http', target);
    assert.is(await digestAt(target), digest);
    assert.equal(await attached('--plain-http', target), [sbom], kind);
  }
});

test('oras reads a bundle in place, as the layout that it is', async () => {
  const image = await randomImage('plant/three:1.0');
  const digest = digestOf(manifestOf(image));
  writeTo(folder, 'three.tar', await ociArchive([image]));
  const recipe = writeTo(
    folder,
    'bundle.yaml',
    'name: t\nversion: "1"\nimages: [{ archive: ./three.tar }]\n',
  );
  const bundle = join(folder, 'site.tar');
  await must([process.execPath, 'bin/dev.js', 'bundle', 'create', '-f', recipe, '-o', bundle], { env });
  const target = `${real.address}/back/three:1.0`;
  await runOras('cp', '--from-oci-layout', `${bundle}@${digest}`, '--to-plain-http', target);
  assert.is(await digestAt(target), digest);
});

test.run();
