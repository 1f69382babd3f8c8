import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { OCI_CONFIG } from '../../src/content/media-types.ts';
import type { FoundImage } from '../../src/phases/runtimes/runtime.ts';
import type { ImageLoad } from '../../src/transports/docker-load.ts';
import { differences } from '../../src/transports/loaded.ts';
import { suite } from '../support/suite.ts';

const test = suite('transports/loaded');

const CONFIG = digestOf('config');
const MANIFEST = digestOf('manifest');
const LAYERS = [digestOf('one'), digestOf('two')];
const PLATFORM = { os: 'linux', architecture: 'arm64', variant: 'v8' };

function sent(id: Digest | undefined = CONFIG): ImageLoad {
  const document = {
    descriptor: { mediaType: OCI_CONFIG, digest: CONFIG, size: 6 },
    bytes: Buffer.from('config'),
  };
  const image = {
    names: [],
    platform: PLATFORM,
    config: document,
    layers: LAYERS.map(diffId => ({ key: diffId, diffId })),
  };
  const none = { layers: [], missing: [], send: [], leftOut: 0, bytes: 0 };
  return { image, names: ['site/a:1'], id, ...none, archive: 'oci', archiveNames: ['site/a:1'] };
}

const found = (over: Partial<FoundImage> = {}): FoundImage => ({
  name: 'site/a:1',
  id: CONFIG,
  platform: { os: 'linux', architecture: 'arm64' },
  diffIds: LAYERS,
  ...over,
});

test('what arrived as it was sent has no differences', () => {
  assert.equal(differences(sent(), found()), []);
  assert.equal(differences(sent(MANIFEST), found({ id: MANIFEST })), []);
  assert.equal(differences(sent(MANIFEST), found({ id: digestOf('index'), config: CONFIG })), []);
});

test('each difference is named with both sides', () => {
  const other = digestOf('other');
  assert.equal(differences(sent(), found({ id: other })), [`its ID is ${other}, not ${CONFIG}`]);
  assert.match(differences(sent(), found({ diffIds: LAYERS.slice(1) }))[0] ?? '', 'it has 1 layers, not 2');
  assert.match(
    differences(sent(), found({ diffIds: [LAYERS[0] as Digest, other] }))[0] ?? '',
    /^its layer 2 is sha256:\w{12}, not sha256:\w{12}$/,
  );
  assert.equal(differences(sent(), found({ platform: { os: 'linux', architecture: 'amd64' } })), [
    'its platform is linux/amd64, not linux/arm64',
  ]);
  assert.equal(differences(sent(), found({ problem: 'not unpacked' })), ['it is not unpacked']);
});

test('an image without a digest of its own is told by its config where the runtime says it', () => {
  const load = { ...sent(), id: undefined };
  assert.equal(differences(load, found({ id: MANIFEST })), []);
  assert.equal(differences(load, found({ id: MANIFEST, config: CONFIG })), []);
  assert.is(differences(load, found({ id: MANIFEST, config: digestOf('other') })).length, 1);
});

test.run();
