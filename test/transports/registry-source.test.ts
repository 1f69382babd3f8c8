import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { parsePlatform, platformMatches } from '../../src/content/platform.ts';
import { parseReference, type Reference } from '../../src/content/reference.ts';
import { digestNote } from '../../src/transports/copy.ts';
import { registrySource } from '../../src/transports/registry-source.ts';
import { clientFor, failure } from '../registry/rig.ts';
import {
  type Files,
  imageOf,
  layerOf,
  layoutOf,
  manifestOf,
  siteImages,
  type TestImage,
} from '../support/archives.ts';
import { type FakeRegistry, type Quirks, startFakeRegistry, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { lines } from './copying.ts';
import { artifactOf, attach, hold, pull } from './registry-content.ts';
import { StrictTarget } from './strict-target.ts';

const test = suite('transports/registry-source');
const [app, tool] = await siteImages();
const base = await layerOf('base', 'b');
const made = async (platform: string) => imageOf([], [base, await layerOf('arch', platform)], { platform });
const [amd, arm, s390x] = (await Promise.all(['linux/amd64', 'linux/arm64', 'linux/s390x'].map(made))) as [
  TestImage,
  TestImage,
  TestImage,
];
const digest = (image: TestImage): Digest => digestOf(manifestOf(image));
const multi = (options = {}): Files => layoutOf([amd, arm, s390x], { indexName: 'multi:1', ...options });

interface Site {
  registry: FakeRegistry;
  name(rest: string): Reference;
}

/** A registry with app (1.0 and latest) and tool in one repository each, and an index. */
function withSite(body: (site: Site) => Promise<void>, quirks: Quirks = {}) {
  return async () => {
    const registry = await startFakeRegistry(quirks);
    try {
      hold(registry, 'site/app', layoutOf([app]), '1.0');
      hold(registry, 'site/app', layoutOf([tool]), 'other');
      hold(registry, 'library/tool', layoutOf([tool]), '2');
      hold(registry, 'library/multi', multi({ attest: true }), '1');
      await body({ registry, name: rest => parseReference(`${registry.address}/${rest}`) });
    } finally {
      await registry.close();
    }
  };
}

const wants = (...platforms: string[]) => {
  const wanted = platforms.map(parsePlatform);
  return (platform: (typeof amd)['platform']) => wanted.some(one => platformMatches(one, platform));
};

test(
  'images by tag, by digest and by both come with their bytes; where a name has both, the digest wins',
  withSite(async ({ registry, name }) => {
    const images = [
      name('site/app:1.0'),
      name(`library/tool@${digest(tool)}`),
      name(`site/app:1.0@${digest(tool)}`),
    ];
    for (const image of images) {
      const { target, report } = await pull(registry, { images: [image] });
      const wanted = image === images[0] ? app : tool;
      const [first] = report.images;
      assert.is(first?.manifest.digest, digest(wanted));
      assert.is(first && digestNote(first), 'digest kept');
      const repository = `hub.company.com/${image.repository}`;
      assert.equal(target.document(`${repository}@${digest(wanted)}`).bytes, manifestOf(wanted));
      if (image.tag) assert.equal(target.document(`${repository}:1.0`).bytes, manifestOf(wanted));
    }
  }),
);

test(
  'of a whole repository every tag comes, but those that only stand for referrers',
  withSite(async ({ registry }) => {
    const about = digest(app).replace(':', '-');
    attach(registry, 'site/app', artifactOf('signature'), `${about}.sig`);
    attach(registry, 'site/app', artifactOf('list'), about);
    const { target, report } = await pull(registry, { repositories: ['site/app', 'library/tool'] });
    assert.equal(target.names(), [
      'hub.company.com/library/tool:2',
      'hub.company.com/site/app:1.0',
      'hub.company.com/site/app:other',
    ]);
    // The image of two repositories is one, under two names, and is read from one of them.
    assert.is(report.images.length, 2);
    assert.equal(
      registry.requests().filter(request => request === `GET /v2/site/app/blobs/${tool.id}`).length +
        registry.requests().filter(request => request === `GET /v2/library/tool/blobs/${tool.id}`).length <=
        2,
      true,
    );
  }),
);

test(
  'a whole index comes with attestations, nested ones too, byte for byte',
  withSite(async ({ registry, name }) => {
    for (const nested of [0, 1, 2]) {
      hold(registry, 'library/multi', multi({ nested, attest: true }), `n${nested}`);
      const { target, report } = await pull(registry, { images: [name(`library/multi:n${nested}`)] });
      const top = registry.manifests.get('library/multi')?.get(`n${nested}`)?.bytes;
      assert.equal(target.document(`hub.company.com/library/multi:n${nested}`).bytes, top);
      assert.equal(target.dangling(), []);
      assert.is(report.images.length, 1);
      const images = [...target.manifests.values()].filter(
        ({ descriptor }) => descriptor.mediaType === OCI_MANIFEST,
      );
      assert.is(images.length, 6);
    }
  }),
);

test(
  'where platforms are chosen, manifests, configs and layers of the others are not asked for',
  withSite(async ({ registry, name }) => {
    const platform = wants('linux/arm64');
    const before = registry.seen.length;
    const { target, report } = await pull(
      registry,
      { images: [name('library/multi:1')], platform },
      { platform: image => platform(image.platform) },
    );
    const asked = registry.requests().slice(before);
    // The index; manifest and config of one image; its two layers.
    assert.is(asked.length, 1 + 2 + 2, asked.join('\n'));
    assert.equal(target.document('hub.company.com/library/multi:1').bytes, manifestOf(arm));
    assert.equal(lines(report), [`${registry.address}/library/multi:1 → hub.company.com/library/multi:1`]);
    assert.is(report.images[0]?.changed, 'platform');
    assert.match(digestNote(report.images[0] ?? {}), /digest changed: only one platform/);
  }),
);

test(
  'of a sparse index what is there comes; a choice of platforms finds it in nested ones, too',
  withSite(async ({ registry, name }) => {
    hold(
      registry,
      'library/sparse',
      layoutOf([amd, arm], { indexName: 'x:1', absent: ['linux/ppc64le'] }),
      '1',
    );
    const whole = await pull(registry, { images: [name('library/sparse:1')] });
    assert.is(whole.target.dangling().length, 1);
    assert.is(whole.report.images[0]?.changed, undefined);
    hold(registry, 'library/nested', multi({ nested: 2 }), '1');
    const platform = wants('linux/amd64', 'linux/s390x');
    const cut = await pull(
      registry,
      { images: [name('library/nested:1')], platform },
      { platform: image => platform(image.platform) },
    );
    assert.equal(cut.target.dangling(), []);
    assert.is(cut.report.images[0]?.changed, 'platforms');
    registry.manifests.get('library/sparse')?.delete(digest(amd));
    registry.manifests.get('library/sparse')?.delete(digest(arm));
    const error = await failure(pull(registry, { images: [name('library/sparse:1')] }), 'REGISTRY_NOT_FOUND');
    assert.match(error.message, 'none of its images');
  }),
);

test(
  'a manifest of schema 1 is refused by the name of the image',
  withSite(async ({ registry, name }) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 1, fsLayers: [] }));
    const mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    registry.manifests.get('site/app')?.set('old', { mediaType, bytes });
    const error = await failure(pull(registry, { images: [name('site/app:old')] }), 'MANIFEST_INVALID');
    assert.match(error.message, `${registry.address}/site/app:old`);
    assert.match(error.message, 'schema 1');
    assert.match(error.suggestions.join(), 'current engine');
  }),
);

test(
  'an image that is not there is named',
  withSite(async ({ registry, name }) => {
    const error = await failure(pull(registry, { images: [name('site/app:9')] }), 'REGISTRY_NOT_FOUND');
    assert.match(error.message, 'site/app');
  }),
);

test(
  'foreign layers stay where they are, or come along when asked for',
  withSite(async ({ registry, name }) => {
    const manifest = JSON.parse(manifestOf(tool).toString());
    manifest.layers[0].mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const bytes = Buffer.from(JSON.stringify(manifest));
    registry.manifests.get('library/tool')?.set('foreign', { mediaType: OCI_MANIFEST, bytes });
    const images = [name('library/tool:foreign')];
    for (const [foreign, moved] of [
      [false, 2],
      [true, 3],
    ] as const) {
      const { report, target } = await pull(registry, { images, foreign });
      assert.is(report.moved.blobs, moved);
      assert.equal(target.document('hub.company.com/library/tool:foreign').bytes, bytes);
    }
  }),
);

test(
  'manifests are asked for side by side, no more at once than the client allows',
  withSite(async ({ registry }) => {
    for (let i = 0; i < 12; i++)
      hold(registry, 'site/many', layoutOf([imageOf([], [base], { env: [`${i}`] })]), `t${i}`);
    let [now, most] = [0, 0];
    registry.fault(
      'GET',
      /site\/many\/manifests/,
      async (_, proceed) => {
        most = Math.max(most, ++now);
        await new Promise(resolve => setTimeout(resolve, 5));
        await proceed();
        now--;
      },
      99,
    );
    const client = clientFor(registry, { access: 'pull', concurrency: 4 });
    const source = await registrySource(client, { repositories: ['site/many'] });
    assert.is((await source.inventory()).images.length, 12);
    assert.is(most, 4);
    await client.close();
  }),
);

test(
  'a layer whose download breaks off goes on where it stopped',
  withSite(async ({ registry, name }) => {
    const before = registry.seen.length;
    registry.quirks.cutDownloads = [1e9, 3000, 3000, 3000, 5000];
    const { target, meter } = await pull(registry, { images: [name('site/app:1.0')] });
    assert.equal(target.document('hub.company.com/site/app:1.0').bytes, manifestOf(app));
    assert.ok(registry.seen.slice(before).some(({ headers }) => /^bytes=\d+-/.test(headers.range ?? '')));
    assert.is(meter.progress.done, meter.progress.total);
  }),
);

test(
  'a layer with other content than its digest is refused by blob and registry, and no manifest is written',
  withSite(async ({ registry, name }) => {
    const [layer] = JSON.parse(manifestOf(tool).toString()).layers;
    const bytes = registry.blobs.get('library/tool')?.get(layer.digest) as Buffer;
    registry.blobs.get('library/tool')?.set(layer.digest, Buffer.from(bytes).fill(7, 10, 20));
    const target = new StrictTarget();
    const error = await failure(
      pull(registry, { images: [name('library/tool:2')] }, {}, target),
      'DIGEST_MISMATCH',
    );
    assert.match(error.message, layer.digest.slice(0, 19));
    assert.match(error.message, registry.address);
    assert.is(error.where.blob, layer.digest);
    assert.is(target.manifests.size, 0);
  }),
);

test(
  'a manifest with other content than its digest is refused',
  withSite(async ({ registry, name }) => {
    const manifests = registry.manifests.get('library/multi');
    manifests?.set(digest(arm), { mediaType: OCI_MANIFEST, bytes: manifestOf(amd) });
    await failure(pull(registry, { images: [name('library/multi:1')] }), 'DIGEST_MISMATCH');
  }),
);

test(
  'a chart is copied by its name as it is, and no choice of platforms leaves it out',
  withSite(async ({ registry, name }) => {
    const config = {
      mediaType: 'application/vnd.cncf.helm.config.v1+json',
      bytes: Buffer.from('{"name":"x"}'),
    };
    const chart = artifactOf('chart', {
      config,
      layerType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
    });
    registry.manifests.set('charts/x', new Map());
    registry.blobs.set('charts/x', new Map());
    attach(registry, 'charts/x', chart, '1.2.3');
    const { target, report } = await pull(
      registry,
      { images: [name('charts/x:1.2.3')] },
      { platform: ({ platform }) => platform.architecture === 'arm64' },
    );
    assert.equal(target.document('hub.company.com/charts/x:1.2.3').bytes, chart.bytes);
    assert.is(report.images[0]?.artifactType, config.mediaType);
  }),
);

test(
  'an artifact with the empty config comes from registries that do not hold those two bytes',
  withSite(async ({ registry, name }) => {
    const notes = artifactOf('notes', { artifactType: 'text/notes' });
    attach(registry, 'site/app', { ...notes, blobs: notes.blobs.slice(1) }, 'notes');
    const { target, report } = await pull(registry, { images: [name('site/app:notes')] });
    assert.equal(target.document('hub.company.com/site/app:notes').bytes, notes.bytes);
    assert.is(report.images[0]?.artifactType, 'text/notes');
  }),
);

test(
  'an interruption while manifests are asked for ends it',
  withSite(async ({ registry, name }) => {
    const client = clientFor(registry, { access: 'pull' });
    const stop = new AbortController();
    registry.fault('GET', /manifests\/1$/, async (_, proceed) => {
      await proceed();
      stop.abort(new Error('stopped by hand'));
    });
    const found = registrySource(client, { images: [name('library/multi:1')], signal: stop.signal });
    assert.match(String(await found.catch(error => error)), 'stopped by hand');
    await client.close();
  }),
);

test(
  'a registry that refuses reading says so',
  withSite(async ({ registry, name }) => {
    registry.fault('GET', /manifests/, status(403), 9);
    await failure(pull(registry, { images: [name('site/app:1.0')] }), 'REGISTRY_DENIED');
  }),
);

test.run();
