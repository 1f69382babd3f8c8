/** Signatures, SBOMs and attestations: they go where the images go that they are about. */
import * as assert from 'uvu/assert';
import { type Digest, digestOf, shortDigest } from '../../src/content/digest.ts';
import { parsePlatform, platformMatches } from '../../src/content/platform.ts';
import { parseReference } from '../../src/content/reference.ts';
import { Meter } from '../../src/support/meter.ts';
import { copyImages } from '../../src/transports/copy.ts';
import { registryTarget } from '../../src/transports/registry.ts';
import { registrySource } from '../../src/transports/registry-source.ts';
import type { SourceImage } from '../../src/transports/source.ts';
import { clientFor } from '../registry/rig.ts';
import {
  type Files,
  gzipped,
  imageOf,
  layerOf,
  layoutOf,
  manifestOf,
  siteImages,
  type TestImage,
  tarOf,
} from '../support/archives.ts';
import { type FakeRegistry, startFakeRegistry } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { copy } from './copying.ts';
import { type Artifact, artifactOf, attach, cosignOf, enclose, hold, pull } from './registry-content.ts';
import { fileOf } from './rig.ts';
import { StrictTarget } from './strict-target.ts';

const test = suite('transports/referrers');
const [app, tool] = await siteImages();
const made = async (platform: string) => imageOf([], [await layerOf('arch', platform)], { platform });
const [amd, arm] = (await Promise.all(['linux/amd64', 'linux/arm64'].map(made))) as [TestImage, TestImage];
const digest = (image: TestImage): Digest => digestOf(manifestOf(image));

const sbom = artifactOf('{"an":"sbom"}', { subject: digest(app), artifactType: 'text/spdx' });
const signature = artifactOf('signed', { subject: sbom.digest, artifactType: 'application/signature' });
const cosign = cosignOf('cosigned');
const cosignTag = `${digest(app).replace(':', '-')}.sig`;
const line = (repository: string, about: Digest, { digest: by }: Artifact) =>
  `hub.company.com/${repository}: ${shortDigest(about)} ← ${shortDigest(by)}`;

const layout = (): Files => enclose(enclose(layoutOf([app, tool]), sbom), signature);

/** A layout read in place and in passing, into targets of both scopes. */
async function everyWay(files: Files, options: Parameters<typeof copy>[2]) {
  const bytes = await tarOf(files);
  return Promise.all(
    [fileOf(bytes), fileOf(gzipped(bytes))].flatMap(path =>
      (['repository', 'whole'] as const).map(async scope => ({
        scope,
        ...(await copy(path, new StrictTarget({ scope }), options)),
      })),
    ),
  );
}

test('what is about an image of a layout goes with it, and what is about that, too', async () => {
  for (const { target, report, scope } of await everyWay(layout(), { referrers: true })) {
    const repository = scope === 'whole' ? '/' : 'hub.company.com/site/app';
    assert.equal(
      target.referrers(),
      [
        `${repository}: ${shortDigest(digest(app))} ← ${shortDigest(sbom.digest)}`,
        `${repository}: ${shortDigest(sbom.digest)} ← ${shortDigest(signature.digest)}`,
      ].sort(),
    );
    assert.equal(
      report.referrers.map(({ subject, artifactType, manifest }) => [subject, artifactType, manifest.digest]),
      [
        [digest(app), 'text/spdx', sbom.digest],
        [sbom.digest, 'application/signature', signature.digest],
      ],
    );
    // Each after what it is about.
    const stored = target.log.filter(entry => entry.startsWith('manifest'));
    assert.is(stored.length, 3 + 2);
    assert.ok(report.images.every(({ artifactType }) => artifactType === undefined));
  }
});

test('without being asked for they stay behind, and with images that stay behind in any case', async () => {
  const onlyTool = (from: { repository: string }[]) =>
    from.flatMap(({ repository }) =>
      repository === 'library/tool' ? [parseReference('hub.company.com/library/tool:2')] : [],
    );
  for (const options of [{}, { unnamed: true }, { referrers: true, names: onlyTool }]) {
    for (const { target, report } of await everyWay(layout(), options)) {
      assert.equal(target.referrers(), []);
      assert.equal(report.referrers, []);
    }
  }
});

test('an image in two repositories has its referrers in both', async () => {
  const names = ['hub.company.com/a/app:1', 'hub.company.com/b/app:1'].map(parseReference);
  const path = fileOf(await tarOf(layout()));
  const { target } = await copy(path, new StrictTarget(), {
    referrers: true,
    names: from => (from.some(({ repository }) => repository === 'site/app') ? names : []),
  });
  assert.equal(
    target.referrers(),
    [
      ...['a/app', 'b/app'].flatMap(repository => [
        line(repository, digest(app), sbom),
        line(repository, sbom.digest, signature),
      ]),
    ].sort(),
  );
});

test('referrers that are present cost one question each, and are not moved', async () => {
  const path = fileOf(await tarOf(layout()));
  const { target } = await copy(path, new StrictTarget(), { referrers: true });
  const { report, log } = await copy(path, target, { referrers: true });
  assert.ok(log.every(entry => entry.startsWith('holds')));
  assert.equal(
    report.referrers.map(({ present }) => present),
    [true, true],
  );
});

test("cosign's tags follow the image, and are no images of their own", async () => {
  const files = enclose(layoutOf([app]), cosign, `docker.io/site/app:${cosignTag}`);
  for (const { target, report } of await everyWay(files, { referrers: true })) {
    assert.equal(target.names(), [
      'hub.company.com/site/app:1.0',
      'hub.company.com/site/app:latest',
      `hub.company.com/site/app:${cosignTag}`,
    ]);
    assert.is(report.referrers.length, 1);
    assert.is(report.referrers[0]?.subject, digest(app));
  }
  for (const { target } of await everyWay(files, {})) assert.is(target.names().length, 2);
});

const wantsArm = ({ platform }: SourceImage) => platformMatches(parsePlatform('linux/arm64'), platform);

test('what is about an index that was cut stays behind; what is about its image goes', async () => {
  const files = layoutOf([amd, arm], { indexName: 'multi:1' });
  const top = JSON.parse(String(files.get('index.json'))).manifests[0].digest;
  const ofIndex = artifactOf('of the index', { subject: top, artifactType: 'x/y' });
  const ofArm = artifactOf('of arm', { subject: digest(arm), artifactType: 'x/y' });
  const ofAmd = artifactOf('of amd', { subject: digest(amd), artifactType: 'x/y' });
  for (const one of [ofIndex, ofArm, ofAmd]) enclose(files, one);
  for (const { report } of await everyWay(files, { referrers: true }))
    assert.equal(
      report.referrers.map(({ manifest }) => manifest.digest).sort(),
      [ofIndex, ofArm, ofAmd].map(one => one.digest).sort(),
    );
  for (const { report } of await everyWay(files, { referrers: true, platform: wantsArm }))
    assert.equal(
      report.referrers.map(({ manifest }) => manifest.digest),
      [ofArm.digest],
    );
});

test('with referrers the attestation of a chosen platform stays beside it in the index', async () => {
  const files = layoutOf([amd, arm], { indexName: 'multi:1', attest: true });
  for (const { target, report } of await everyWay(files, { referrers: true, platform: wantsArm })) {
    const index = JSON.parse(String(target.document('hub.company.com/library/multi:1').bytes));
    assert.equal(
      index.manifests.map(({ platform }: SourceImage) => platform.architecture),
      ['arm64', 'unknown'],
    );
    assert.equal(target.dangling(), []);
    assert.is(report.images[0]?.changed, 'platforms');
  }
});

for (const [how, quirks] of Object.entries({
  'the referrers API': { referrers: true },
  'fallback tags': {},
})) {
  test(`from a registry they are found by ${how} and stored so that they are found again`, async () => {
    const [from, to] = await Promise.all([startFakeRegistry(quirks), startFakeRegistry(quirks)]);
    try {
      hold(from, 'site/app', layoutOf([app]), '1.0');
      const client = clientFor(from);
      for (const artifact of [sbom, signature]) {
        attach(from, 'site/app', artifact);
        await client.putManifest(
          'site/app',
          artifact.digest,
          'application/vnd.oci.image.manifest.v1+json',
          artifact.bytes,
        );
      }
      attach(from, 'site/app', cosign, cosignTag);
      const images = [parseReference(`${from.address}/site/app:1.0`)];
      const source = await registrySource(client, { images, referrers: true });
      const target = clientFor(to);
      const report = await copyImages(source, registryTarget(target), {
        names: all => all.map(name => ({ ...name, registry: to.address, repository: 'mirror/app' })),
        unnamed: false,
        referrers: true,
        compression: 'gzip',
        meter: new Meter(),
      });
      assert.is(report.referrers.length, 3);
      const about = await target.referrers('mirror/app', digest(app));
      assert.equal(
        about.map(one => one.digest),
        [sbom.digest],
      );
      const aboutThat = await target.referrers('mirror/app', sbom.digest);
      assert.equal(
        aboutThat.map(one => one.digest),
        [signature.digest],
      );
      assert.equal(to.manifests.get('mirror/app')?.get(cosignTag)?.bytes, cosign.bytes);
      await Promise.all([client.close(), target.close()]);
    } finally {
      await Promise.all([from.close(), to.close()]);
    }
  });
}

const withRegistry = (body: (registry: FakeRegistry) => Promise<void>) => async () => {
  const registry = await startFakeRegistry({ referrers: true });
  try {
    await body(registry);
  } finally {
    await registry.close();
  }
};

test(
  'of a whole repository referrers come with their subjects, and tags of referrers are no names',
  withRegistry(async registry => {
    hold(registry, 'site/app', layoutOf([app]), '1.0');
    for (const artifact of [sbom, signature]) attach(registry, 'site/app', artifact);
    attach(registry, 'site/app', cosign, cosignTag);
    const { target } = await pull(
      registry,
      { repositories: ['site/app'], referrers: true },
      { referrers: true },
    );
    assert.is(target.referrers().length, 2);
    assert.equal(target.names(), ['hub.company.com/site/app:1.0', `hub.company.com/site/app:${cosignTag}`]);
  }),
);

test(
  'a registry that calls something a referrer which is about another image is not believed',
  withRegistry(async registry => {
    hold(registry, 'site/app', layoutOf([app]), '1.0');
    const other = artifactOf('other', { subject: digest(tool), artifactType: 'x/y' });
    attach(registry, 'site/app', other);
    const list = { schemaVersion: 2, manifests: [{ mediaType: 'x', digest: other.digest, size: 1 }] };
    registry.fault(
      'GET',
      /referrers/,
      ({ res }) => {
        res
          .writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' })
          .end(JSON.stringify(list));
      },
      9,
    );
    const images = [parseReference(`${registry.address}/site/app:1.0`)];
    const { report } = await pull(registry, { images, referrers: true }, { referrers: true });
    assert.equal(report.referrers, []);
  }),
);

test(
  "cosign's tags are asked for one by one where a registry does not list its tags",
  withRegistry(async registry => {
    hold(registry, 'site/app', layoutOf([app]), '1.0');
    attach(registry, 'site/app', cosign, cosignTag);
    registry.fault('GET', /tags\/list/, ({ res }) => void res.writeHead(403).end(), 9);
    const images = [parseReference(`${registry.address}/site/app:1.0`)];
    const { target } = await pull(registry, { images, referrers: true }, { referrers: true });
    assert.is(target.names().length, 2);
  }),
);

test('a signature alone is copied by its name', async () => {
  const registry = await startFakeRegistry();
  hold(registry, 'site/app', layoutOf([app]), '1.0');
  attach(registry, 'site/app', cosign, cosignTag);
  const images = [parseReference(`${registry.address}/site/app:${cosignTag}`)];
  const { target } = await pull(registry, { images });
  assert.equal(target.names(), [`hub.company.com/site/app:${cosignTag}`]);
  await registry.close();
});

test.run();
