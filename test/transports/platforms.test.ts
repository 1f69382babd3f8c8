import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { buildIndex, parseManifest } from '../../src/content/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { parsePlatform, platformMatches } from '../../src/content/platform.ts';
import { formatReference, parseReference, type Reference } from '../../src/content/reference.ts';
import { digestNote } from '../../src/transports/copy.ts';
import type { SourceImage } from '../../src/transports/source.ts';
import {
  type Files,
  gzipped,
  imageOf,
  type LayoutOptions,
  layerOf,
  layoutOf,
  manifestOf,
  type TestImage,
  tarOf,
} from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { copy, lines } from './copying.ts';
import { fileOf } from './rig.ts';
import { StrictTarget } from './strict-target.ts';

const test = suite('transports/plan');
const NAME = 'hub.company.com/library/multi:1';
const base = await layerOf('base', 'b');
const made = async (platform: string) => imageOf([], [base, await layerOf('arch', platform)], { platform });
const [amd, arm, s390x] = (await Promise.all(['linux/amd64', 'linux/arm64', 'linux/s390x'].map(made))) as [
  TestImage,
  TestImage,
  TestImage,
];
const all = [amd, arm, s390x];
const digest = (image: TestImage) => digestOf(manifestOf(image));

const wants = (...platforms: string[]) => {
  const wanted = platforms.map(parsePlatform);
  return { platform: (image: SourceImage) => wanted.some(one => platformMatches(one, image.platform)) };
};

/** The index's bytes in a layout whose only index at the top it is. */
function topOf(files: Files): Uint8Array {
  const { manifests } = JSON.parse(files.get('index.json') as string);
  return files.get(`blobs/${manifests[0].digest.replace(':', '/')}`) as Uint8Array;
}

/** The same layout read in place and in passing, copied to targets of both scopes. */
async function everyWay(files: Files, options: Parameters<typeof copy>[2] = {}) {
  const bytes = await tarOf(files);
  const ways = [fileOf(bytes), fileOf(gzipped(bytes))].flatMap(path =>
    (['repository', 'whole'] as const).map(scope => copy(path, new StrictTarget({ scope }), options)),
  );
  return Promise.all(ways);
}

const layout = (options: LayoutOptions = {}) => layoutOf(all, { indexName: 'multi:1', ...options });

test('with all platforms the index stays byte for byte, and its images go by their digests', async () => {
  for (const { target, report } of await everyWay(layout())) {
    assert.equal(target.document(NAME).bytes, topOf(layout()));
    assert.equal(target.names(), [NAME]);
    assert.equal(target.dangling(), []);
    assert.equal(lines(report), ['docker.io/library/multi:1 → hub.company.com/library/multi:1']);
  }
});

test('one platform of an index gets the name, and nothing of the others travels', async () => {
  for (const { target, report } of await everyWay(layout(), wants('linux/arm64'))) {
    assert.equal(target.document(NAME).bytes, manifestOf(arm));
    assert.is(target.manifests.size, 2);
    assert.equal(lines(report), ['docker.io/library/multi:1 → hub.company.com/library/multi:1']);
  }
  const { report } = await copy(fileOf(await tarOf(layout())), undefined, wants('linux/arm64'));
  assert.is(report.moved.blobs, 3);
});

test('two platforms of three make a new index over just these', async () => {
  for (const { target } of await everyWay(layout(), wants('linux/amd64', 'linux/arm64'))) {
    const index = parseManifest(target.document(NAME).bytes);
    if (index.kind !== 'index') throw new Error('it is an image');
    assert.equal(
      index.manifests.map(child => child.digest),
      [amd, arm].map(digest),
    );
    assert.equal(
      index.manifests.map(child => child.platform?.architecture),
      ['amd64', 'arm64'],
    );
    assert.equal(target.dangling(), []);
  }
});

test('all platforms that the index has leave it as it is', async () => {
  const platforms = wants('linux/amd64', 'linux/arm64', 'linux/s390x');
  for (const { target } of await everyWay(layout(), platforms))
    assert.equal(target.document(NAME).bytes, topOf(layout()));
});

test('a platform that no image has copies nothing', async () => {
  for (const { target, report } of await everyWay(layout(), wants('linux/riscv64'))) {
    assert.is(target.log.length, 0);
    assert.equal(report.images, []);
  }
});

test('attestations travel with a whole index, and stay behind where platforms are chosen', async () => {
  const attested = layout({ attest: true });
  for (const { target } of await everyWay(attested)) {
    assert.equal(target.document(NAME).bytes, topOf(attested));
    assert.equal(target.dangling(), []);
    assert.is(
      [...target.manifests.values()].filter(({ descriptor }) => descriptor.mediaType === OCI_MANIFEST).length,
      6,
    );
  }
  for (const { target } of await everyWay(attested, wants('linux/amd64')))
    assert.equal(target.document(NAME).bytes, manifestOf(amd));
});

test('a sparse index keeps its bytes, though the images of other platforms are not there', async () => {
  const sparse = layoutOf([amd], { indexName: 'multi:1', absent: ['linux/ppc64le', 'linux/arm64'] });
  for (const { target } of await everyWay(sparse)) {
    assert.equal(target.document(NAME).bytes, topOf(sparse));
    assert.ok(
      target.manifests.has([...target.manifests.keys()].find(key => key.endsWith(digest(amd))) ?? ''),
    );
  }
  for (const { target } of await everyWay(sparse, wants('linux/amd64')))
    assert.equal(target.document(NAME).bytes, manifestOf(amd));
});

test('a nested index stays as it is, with all that it leads to', async () => {
  const nested = layout({ nested: 2 });
  for (const { target } of await everyWay(nested)) {
    assert.equal(target.document(NAME).bytes, topOf(nested));
    assert.equal(target.dangling(), []);
    const byDigest = [...target.manifests.keys()].filter(key => key.includes('@'));
    assert.is(byDigest.length, 6);
  }
});

test('one platform of a nested index gets the name', async () => {
  for (const { target, report } of await everyWay(layout({ nested: 2 }), wants('linux/arm64'))) {
    assert.equal(target.document(NAME).bytes, manifestOf(arm));
    assert.equal(target.dangling(), []);
    assert.equal(lines(report), ['docker.io/library/multi:1 → hub.company.com/library/multi:1']);
  }
});

test('two platforms of a nested index make indexes that lead to just these', async () => {
  for (const { target } of await everyWay(layout({ nested: 1 }), wants('linux/amd64', 'linux/s390x'))) {
    assert.equal(target.dangling(), []);
    const held = [...target.manifests.values()].filter(
      ({ descriptor }) => descriptor.mediaType === OCI_MANIFEST,
    );
    assert.equal(held.map(({ descriptor }) => descriptor.digest).sort(), [amd, s390x].map(digest).sort());
    assert.is(parseManifest(target.document(NAME).bytes).kind, 'index');
  }
});

test('where a choice of platforms leaves nothing out, the digest is kept, and else the report says why it is not', async () => {
  const only = layoutOf([arm], { indexName: 'multi:1' });
  for (const { target, report } of await everyWay(only, wants('linux/arm64'))) {
    assert.equal(target.document(NAME).bytes, topOf(only));
    assert.equal(report.images.map(digestNote), ['digest kept']);
  }
  const notes = async (...platforms: string[]) => {
    const reports = await everyWay(layout({ nested: 1 }), wants(...platforms));
    return [...new Set(reports.flatMap(({ report }) => report.images.map(digestNote)))];
  };
  assert.equal(await notes('linux/amd64', 'linux/arm64', 'linux/s390x'), ['digest kept']);
  assert.equal(await notes('linux/amd64', 'linux/arm64'), [
    'digest changed: not all that the index names was copied',
  ]);
  assert.equal(await notes('linux/amd64'), ['digest changed: only one platform of the index was copied']);
});

test('an image with a name of its own keeps its digest beside the index that it stands for', async () => {
  const files = layout();
  const index = JSON.parse(files.get('index.json') as string);
  const annotations = { 'io.containerd.image.name': 'docker.io/other/amd:1' };
  index.manifests.push({
    mediaType: OCI_MANIFEST,
    digest: digest(amd),
    size: manifestOf(amd).length,
    annotations,
  });
  files.set('index.json', JSON.stringify(index));
  for (const { report } of await everyWay(files, wants('linux/amd64')))
    assert.equal(report.images.map(({ to, changed }) => `${to.map(formatReference)} ${changed}`).sort(), [
      'hub.company.com/library/multi:1 platform',
      'hub.company.com/other/amd:1 undefined',
    ]);
});

test('an index that is cut keeps all else that it says', async () => {
  const files = layout();
  const index = JSON.parse(String(topOf(files)));
  index.annotations = { 'org.example': 'x' };
  index.manifests[0].platform['os.version'] = '10';
  const bytes = Buffer.from(JSON.stringify(index));
  const put = { mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length };
  files.set(`blobs/sha256/${put.digest.slice(7)}`, bytes);
  const annotations = { 'io.containerd.image.name': 'docker.io/library/multi:1' };
  files.set('index.json', buildIndex([{ ...put, annotations }]));
  for (const { target } of await everyWay(files, wants('linux/amd64', 'linux/arm64'))) {
    const cut = JSON.parse(String(target.document(NAME).bytes));
    assert.equal(cut, { ...index, manifests: index.manifests.slice(0, 2) });
  }
});

test('an index without a name comes along as a whole where what has no name may', async () => {
  const files = layoutOf(all, { indexName: 'multi:1' });
  const index = JSON.parse(files.get('index.json') as string);
  delete index.manifests[0].annotations;
  files.set('index.json', JSON.stringify(index));
  const { target, report } = await copy(fileOf(await tarOf(files)), new StrictTarget({ scope: 'whole' }), {
    unnamed: true,
  });
  assert.equal(
    report.images.map(({ manifest }) => manifest.digest),
    [digestOf(topOf(files))],
  );
  assert.equal(target.dangling(), []);
});

test('an index over plain layers that a compressed archive had to compress names what they became', async () => {
  const files = layoutOf(all, { indexName: 'multi:1', compress: layer => Buffer.from(layer) });
  const { target, report } = await copy(
    fileOf(gzipped(await tarOf(files))),
    new StrictTarget({ scope: 'whole' }),
    { unnamed: true },
  );
  assert.equal(target.dangling(), []);
  assert.equal(report.images.map(digestNote), ['digest changed: layers were compressed on the way']);
});

/** A layout whose index has an image and an index over two more. */
function mixed(): Files {
  const files = layoutOf(all);
  const put = (bytes: Uint8Array) => {
    files.set(`blobs/sha256/${digestOf(bytes).slice(7)}`, bytes);
    return { mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length };
  };
  const child = (image: TestImage) => ({
    mediaType: OCI_MANIFEST,
    digest: digest(image),
    size: manifestOf(image).length,
    platform: image.platform,
  });
  const inner = put(buildIndex([child(arm), child(s390x)]));
  const outer = put(buildIndex([child(amd), inner]));
  const annotations = { 'io.containerd.image.name': 'docker.io/library/multi:1' };
  return files.set('index.json', buildIndex([{ ...outer, annotations }]));
}

test('an index of images and indexes is cut to the platforms that are wanted', async () => {
  for (const { target } of await everyWay(mixed())) assert.equal(target.dangling(), []);
  for (const { target } of await everyWay(mixed(), wants('linux/amd64')))
    assert.equal(target.document(NAME).bytes, manifestOf(amd));
  for (const { target } of await everyWay(mixed(), wants('linux/s390x')))
    assert.equal(target.document(NAME).bytes, manifestOf(s390x));
  for (const { target } of await everyWay(mixed(), wants('linux/amd64', 'linux/s390x'))) {
    assert.equal(target.dangling(), []);
    const index = parseManifest(target.document(NAME).bytes);
    assert.is(index.kind === 'index' && index.manifests.length, 2);
  }
});

test('an index that is present costs one question', async () => {
  const path = fileOf(await tarOf(layout()));
  const { target } = await copy(path);
  const { log, report } = await copy(path, target);
  assert.equal(log, [`holds ${NAME}`]);
  assert.equal(lines(report), ['docker.io/library/multi:1 → hub.company.com/library/multi:1, present']);
});

test('an image with a name of its own within an index goes under both', async () => {
  const files = layout();
  const index = JSON.parse(files.get('index.json') as string);
  index.manifests.push({
    mediaType: OCI_MANIFEST,
    digest: digest(amd),
    size: manifestOf(amd).length,
    annotations: { 'io.containerd.image.name': 'docker.io/other/amd:1' },
  });
  files.set('index.json', JSON.stringify(index));
  for (const { target } of await everyWay(files)) {
    assert.equal(target.names(), [NAME, 'hub.company.com/other/amd:1']);
    assert.equal(target.dangling(), []);
  }
});

test('an index under two names in two repositories has its images in both', async () => {
  const names = ['hub.company.com/a/multi:1', 'hub.company.com/b/multi:1'];
  for (const { target } of await everyWay(layout(), {
    names: from => (from.length > 0 ? names.map(parseReference) : []),
  })) {
    assert.equal(target.names(), names);
    assert.equal(target.dangling(), []);
  }
});

test('each lot of names has platforms of its own, though images and blobs are shared', async () => {
  const as = (tag: string) => (from: Reference[]) =>
    from.map(() => parseReference(`hub.company.com/library/multi:${tag}`));
  const also = [{ names: as('two'), ...wants('linux/amd64', 'linux/arm64') }, { names: as('all') }];
  for (const nested of [0, 1]) {
    for (const { target, report } of await everyWay(layout({ nested }), {
      names: as('one'),
      ...wants('linux/arm64'),
      also,
    })) {
      const at = (tag: string) => target.document(`hub.company.com/library/multi:${tag}`).bytes;
      assert.equal(at('one'), manifestOf(arm));
      assert.equal(at('all'), topOf(layout({ nested })));
      assert.is(parseManifest(at('two')).kind, 'index');
      assert.not.equal(at('two'), at('all'));
      assert.equal(target.dangling(), []);
      assert.is(lines(report).length, 3);
    }
  }
});

test.run();
