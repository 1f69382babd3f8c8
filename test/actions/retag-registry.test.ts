import * as assert from 'uvu/assert';
import { copyImages } from '../../src/actions/image-copy.ts';
import { type ImageRetagOptions, retagImages } from '../../src/actions/image-retag.ts';
import { digestOf } from '../../src/content/digest.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { Meter } from '../../src/support/meter.ts';
import { parseLocation } from '../../src/transports/location.ts';
import { failure } from '../registry/rig.ts';
import { manifestOf, ociArchive, siteImages, writeTo } from '../support/archives.ts';
import { type FakeRegistry, startFakeRegistry } from '../support/fake-registry.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/retag-registry');
const folder = scratch();
const [app, tool] = await siteImages();
const archive = writeTo(folder, 'images.oci.tar', await ociArchive([app, tool]));

let registry: FakeRegistry;

/** A registry that has the images, for one test. */
function filled(body: () => Promise<void>): () => Promise<void> {
  return async () => {
    process.env.DOCKER_CONFIG = folder;
    registry = await startFakeRegistry({});
    try {
      await copyImages({
        sources: [parseLocation(archive)],
        target: parseLocation(`docker://${registry.address}/`),
        targetPlainHttp: true,
        meter: new Meter(),
      });
      registry.seen.length = 0;
      await body();
    } finally {
      await registry.close();
    }
  };
}

function retag(options: Partial<ImageRetagOptions>, place = '/') {
  const source = parseLocation(`docker://${registry.address}${place}`);
  return retagImages({ source, sourcePlainHttp: true, meter: new Meter(), ...options });
}

function uploads(): number {
  return registry.seen
    .filter(({ method }) => method === 'PATCH' || method === 'PUT')
    .filter(({ path }) => path.includes('/uploads')).length;
}

test(
  'one image gets a new name in another repository, and no layer moves',
  filled(async () => {
    const { images } = await retag({ rename: { from: 'library/tool:2', to: 'plant/tool:stable' } });
    assert.equal(
      images.map(({ outcome }) => outcome),
      ['retagged'],
    );
    const stored = registry.manifests.get('plant/tool')?.get('stable');
    assert.is(stored && digestOf(stored.bytes), digestOf(manifestOf(tool)));
    assert.ok(registry.manifests.get('library/tool')?.has('2'), 'the old name stays');
    assert.is(uploads(), 0);
  }),
);

test(
  'rules give new names to all that they match',
  filled(async () => {
    const rules = [parseRetagRule(`${registry.address}/site/*=${registry.address}/plant/*`)];
    const { images } = await retag({ rules });
    assert.equal(
      images
        .filter(({ outcome }) => outcome === 'retagged')
        .map(({ from }) => from)
        .sort(),
      [`${registry.address}/site/app:1.0`, `${registry.address}/site/app:latest`],
    );
    assert.equal(
      [...(registry.manifests.get('plant/app')?.keys() ?? [])].filter(tag => !tag.includes(':')).sort(),
      ['1.0', 'latest'],
    );
    assert.is(uploads(), 0);
  }),
);

test(
  'a dry run stores nothing',
  filled(async () => {
    const { images } = await retag({ rename: { from: 'library/tool:2', to: 'tool:3' }, dryRun: true });
    assert.equal(
      images.map(({ outcome, to }) => [outcome, to.length]),
      [['planned', 2]],
    );
    assert.is(registry.seen.filter(({ method }) => method === 'PUT').length, 0);
  }),
);

test(
  'below a prefix both names are meant there',
  filled(async () => {
    await retag({ rename: { from: 'app:1.0', to: 'app:stable' } }, '/site/');
    assert.ok(registry.manifests.get('site/app')?.has('stable'));
  }),
);

test(
  'a name of another registry, and taking names away, are refused with what to do',
  filled(async () => {
    const elsewhere = await failure(
      retag({ rename: { from: 'library/tool:2', to: 'other.site/tool:2' } }),
      'USAGE',
    );
    assert.match(elsewhere.suggestions.join(), 'image copy');
    await failure(retag({ remove: ['library/tool:2'], rules: [] }), 'USAGE');
    await failure(retag({ rename: { from: 'library/none:2', to: 'x:1' } }), 'REGISTRY_NOT_FOUND');
  }),
);

test.run();
