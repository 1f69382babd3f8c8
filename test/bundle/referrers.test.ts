/** What is about images travels along, unless the recipe says otherwise. */
import * as assert from 'uvu/assert';
import { inspectBundle } from '../../src/actions/bundle-inspect.ts';
import { verifyBundle } from '../../src/actions/bundle-verify.ts';
import type { InspectedReferrer } from '../../src/bundle/inspect.ts';
import { digestOf } from '../../src/content/digest.ts';
import { Meter } from '../../src/support/meter.ts';
import { imageOf, layerOf, layoutOf, manifestOf, siteImages, writeFolder } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { artifactOf, cosignOf, enclose } from '../transports/registry-content.ts';
import { create } from './rig.ts';

const test = suite('bundle/referrers');
const [app, tool] = await siteImages();
const subject = digestOf(manifestOf(app));
const sbom = artifactOf('{"spdxVersion":"SPDX-2.3"}', { subject, artifactType: 'application/spdx+json' });
const signed = artifactOf('sig', {
  subject: sbom.digest,
  artifactType: 'application/vnd.cncf.notary.signature',
});
const cosignTag = `docker.io/site/app:${subject.replace(':', '-')}.sig`;

/** A layout with an image that has an SBOM, which is signed, and a signature of cosign; and one that has nothing. */
function site(dir: string, more = ''): string {
  const files = enclose(enclose(layoutOf([app, tool]), sbom), signed);
  writeFolder(`${dir}/layout`, enclose(files, cosignOf('cosigned'), cosignTag));
  return `name: plant-7\nversion: "1"\nimages:\n  - oci: ./layout\n${more}`;
}

const tree = (all: InspectedReferrer[]): unknown[] =>
  all.map(({ title, referrers }) => (referrers.length > 0 ? [title, tree(referrers)] : title));

test('signatures, SBOMs and attestations are packed, verified, and shown below what they are about', async () => {
  const dir = scratch();
  const { path } = await create(dir, site(dir));
  const { images, artifacts } = await inspectBundle({ path });
  assert.equal(
    images.map(({ names, referrers }) => [names[0], tree(referrers)]),
    [
      ['site/app:1.0', [['SPDX SBOM', ['Notation signature']], 'cosign signature']],
      ['tool:2', []],
    ],
  );
  assert.equal(artifacts, []);
  const report = await verifyBundle({ path, trustedKeys: [], meter: new Meter() });
  assert.equal(report.problems, []);
});

test('with `referrers: false` they stay behind', async () => {
  const dir = scratch();
  const { path } = await create(dir, site(dir, 'referrers: false\n'));
  const { images, artifacts } = await inspectBundle({ path });
  assert.is(images.length, 2);
  assert.ok(images.every(({ referrers }) => referrers.length === 0));
  assert.equal(artifacts, []);
});

test('of an index of several platforms what BuildKit attests stays beside each image', async () => {
  const dir = scratch();
  const platforms = ['linux/amd64', 'linux/arm64'];
  const arch = await Promise.all(
    platforms.map(async platform => imageOf([], [await layerOf('arch', platform)], { platform })),
  );
  writeFolder(`${dir}/layout`, layoutOf(arch, { indexName: 'site/multi:1', attest: true }));
  const head = 'name: plant-7\nversion: "1"\n';
  const images = 'images: [{ oci: ./layout }]\n';
  const both = await create(dir, `${head}platforms: [linux/amd64, linux/arm64]\n${images}`);
  const inspection = await inspectBundle({ path: both.path });
  assert.equal(
    inspection.images.map(({ names, platform, referrers }) => [names[0], platform, tree(referrers)]),
    platforms.map(platform => ['site/multi:1', platform, ['in-toto attestation']]),
  );
  assert.is(inspection.indexes[0]?.images.length, 2);
  const one = await create(dir, `${head}platforms: [linux/arm64]\n${images}`);
  const cut = await inspectBundle({ path: one.path });
  assert.equal(
    cut.images.map(({ names, platform }) => [names[0], platform]),
    [['site/multi:1', 'linux/arm64']],
  );
  for (const { path } of [both, one]) {
    const report = await verifyBundle({ path, trustedKeys: [], meter: new Meter() });
    assert.equal(report.problems, []);
  }
});

test('without an image that it is about, an artifact stands on its own', async () => {
  const dir = scratch();
  const chart = artifactOf('chart', {
    config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', bytes: Buffer.from('{}') },
  });
  writeFolder(`${dir}/layout`, enclose(layoutOf([tool]), chart, 'hub.company.com/charts/app:1'));
  const { path } = await create(dir, 'name: p\nversion: "1"\nimages: [{ oci: ./layout }]\n');
  const { images, artifacts } = await inspectBundle({ path });
  assert.is(images.length, 1);
  assert.equal(
    artifacts.map(({ names, artifactType }) => [names, artifactType]),
    [[['hub.company.com/charts/app:1'], 'application/vnd.cncf.helm.config.v1+json']],
  );
});

test.run();
