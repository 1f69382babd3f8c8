import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import {
  buildImageManifest,
  buildIndex,
  chainIds,
  MANIFEST_LIMIT,
  parseImageConfig,
  parseManifest,
} from '../../src/content/manifest.ts';
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  isForeignLayer,
  layerMediaType,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
  sniffCompression,
} from '../../src/content/media-types.ts';
import { refusal, rubbish } from '../engine/expect.ts';
import { processorTime } from '../support/processor-time.ts';
import { suite } from '../support/suite.ts';

const test = suite('manifest');
const DIGEST = digestOf('x');
const config = { mediaType: OCI_CONFIG, digest: DIGEST, size: 7 };
const layer = { mediaType: `${OCI_LAYER}+gzip`, digest: DIGEST, size: 9 };
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

test('a manifest of OCI and one of Docker are read alike', () => {
  for (const mediaType of [OCI_MANIFEST, DOCKER_MANIFEST]) {
    const parsed = parseManifest(json({ schemaVersion: 2, mediaType, config, layers: [layer, layer] }));
    assert.equal(parsed, { kind: 'image', mediaType, config, layers: [layer, layer] });
  }
});

test('an index is read with platforms and annotations, and with what else it holds left out', () => {
  const child = { mediaType: OCI_MANIFEST, digest: DIGEST, size: 1 };
  const full = {
    ...child,
    platform: { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1' },
    annotations: { a: 'b', n: 1 },
    data: 'x',
  };
  for (const mediaType of [OCI_INDEX, DOCKER_INDEX]) {
    assert.equal(parseManifest(json({ mediaType, manifests: [full, child] })), {
      kind: 'index',
      mediaType,
      manifests: [
        { ...child, platform: { os: 'linux', architecture: 'arm', variant: 'v7' }, annotations: { a: 'b' } },
        child,
      ],
    });
  }
});

test('without a media type, the declared one or the shape tells what it is', () => {
  assert.is(parseManifest(json({ config, layers: [] })).kind, 'image');
  assert.is(parseManifest(json({ manifests: [] })).kind, 'index');
  assert.is(parseManifest(json({ config, layers: [] }), DOCKER_MANIFEST).mediaType, DOCKER_MANIFEST);
  assert.is(parseManifest(json({ mediaType: OCI_MANIFEST, config, layers: [] }), OCI_INDEX).kind, 'image');
});

test('schema 1 is named as what it is', async () => {
  await refusal(
    () => parseManifest(json({ schemaVersion: 1, fsLayers: [] })),
    'MANIFEST_INVALID',
    /schema 1/,
  );
  const declared = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  await refusal(() => parseManifest(json({}), declared), 'MANIFEST_INVALID', /schema 1/);
});

const HOSTILE: [what: string, value: unknown][] = [
  ['null', null],
  ['a number', 7],
  ['a list', []],
  ['a text', 'x'],
  ['no layers', { config }],
  ['no config', { layers: [] }],
  ['a list for a config', { config: [], layers: [] }],
  ['layers that are an object', { config, layers: { length: 1 } }],
  ['a layer that is null', { config, layers: [null] }],
  ['a digest with a path in it', { config: { ...config, digest: 'sha256:../../etc/passwd' }, layers: [] }],
  ['a digest that is an object', { config: { ...config, digest: { toString: 1 } }, layers: [] }],
  ['a negative size', { config: { ...config, size: -1 }, layers: [] }],
  ['a size that is no whole number', { config: { ...config, size: 1.5 }, layers: [] }],
  ['a size beyond all numbers', { config: { ...config, size: 1e300 }, layers: [] }],
  ['a size that is a text', { config: { ...config, size: '7' }, layers: [] }],
  ['no media type', { config: { digest: DIGEST, size: 1 }, layers: [] }],
  ['an endless media type', { config: { ...config, mediaType: 'x'.repeat(256) }, layers: [] }],
  ['an unknown media type', { mediaType: 'application/x', config, layers: [] }],
  ['an index without manifests', { mediaType: OCI_INDEX }],
  ['1001 layers', { config, layers: Array(1001).fill(layer) }],
  ['1001 manifests', { manifests: Array(1001).fill(layer) }],
  ['a platform without an architecture', { manifests: [{ ...layer, platform: { os: 'linux' } }] }],
  [
    'a platform with a terminal command',
    { manifests: [{ ...layer, platform: { os: '\u001b[2J', architecture: 'x' } }] },
  ],
];
for (const [what, value] of HOSTILE) {
  test(`a manifest with ${what} is refused`, async () => {
    await refusal(() => parseManifest(json(value)), 'MANIFEST_INVALID');
  });
}

test('bytes that are no JSON, no UTF-8 or too many are refused, and quickly', async () => {
  const elapsed = processorTime();
  await refusal(() => parseManifest(Buffer.alloc(0)), 'MANIFEST_INVALID', /no JSON/);
  await refusal(() => parseManifest(Buffer.from('<html>')), 'MANIFEST_INVALID', /no JSON/);
  await refusal(() => parseManifest(Buffer.from('{"a":"\xff"}', 'latin1')), 'MANIFEST_INVALID', /no JSON/);
  await refusal(() => parseManifest(Buffer.alloc(MANIFEST_LIMIT + 1)), 'MANIFEST_INVALID', /more than 4 MiB/);
  await refusal(() => parseManifest(Buffer.alloc(MANIFEST_LIMIT, '[')), 'MANIFEST_INVALID');
  await refusal(() => parseManifest(Buffer.alloc(MANIFEST_LIMIT, '{"a":')), 'MANIFEST_INVALID');
  // Generous, for a core that is shared; a parser that looked at every bracket again for each would be far beyond.
  assert.ok(elapsed() < 10_000, `${Math.round(elapsed())} ms`);
});

test('annotations named like properties of objects do no harm', () => {
  const bytes = Buffer.from(
    `{"manifests":[{"mediaType":"m","digest":"${DIGEST}","size":1,"annotations":{"__proto__":"x","constructor":"y"}}]}`,
  );
  const parsed = parseManifest(bytes);
  assert.is(
    parsed.kind === 'index' && Object.getPrototypeOf(parsed.manifests[0]?.annotations),
    Object.prototype,
  );
});

test('random JSON gets an answer or a refusal, nothing else', () => {
  const words = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"config"',
    '"layers"',
    '"manifests"',
    '"digest"',
    `"${DIGEST}"`,
    '1',
    'null',
    '"size"',
    '"mediaType"',
    '"platform"',
    '"x"',
  ];
  for (let seed = 0; seed < 500; seed++) {
    const text = [...rubbish(seed, 40)].map(byte => words[byte % words.length]).join('');
    for (const parse of [parseManifest, parseImageConfig]) {
      try {
        parse(Buffer.from(text));
      } catch (error) {
        assert.is((error as { code?: string }).code, 'MANIFEST_INVALID', text);
      }
    }
  }
});

test('a config gives platform and diffIDs', () => {
  const parsed = parseImageConfig(
    json({
      os: 'linux',
      architecture: 'arm',
      variant: 'v7',
      created: '2026',
      rootfs: { diff_ids: [DIGEST] },
    }),
  );
  assert.equal(parsed, {
    platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
    diffIds: [DIGEST],
    created: '2026',
  });
});

test('a config that leaves its platform out or empty is for linux/amd64', () => {
  for (const value of [{}, { os: '', architecture: '' }, { os: null, architecture: null }])
    assert.equal(parseImageConfig(json(value)).platform, { os: 'linux', architecture: 'amd64' });
});

test('a config whose diffIDs are no digests is refused', async () => {
  for (const diff_ids of ['x', [1], ['sha256:x'], { 0: DIGEST }, Array(1001).fill(DIGEST)])
    await refusal(() => parseImageConfig(json({ rootfs: { diff_ids } })), 'MANIFEST_INVALID', /diff_ids/);
});

test('what is built can be parsed, and is the same each time', () => {
  const bytes = buildImageManifest(config, [layer]);
  assert.equal(parseManifest(bytes), { kind: 'image', mediaType: OCI_MANIFEST, config, layers: [layer] });
  assert.equal(buildImageManifest({ ...config }, [{ ...layer, annotations: {} }]), bytes);
  assert.equal(parseManifest(buildIndex([layer])), {
    kind: 'index',
    mediaType: OCI_INDEX,
    manifests: [layer],
  });
});

test('a document that is a manifest and an index at once is refused', () => {
  const both = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [], config: layer, layers: [] }));
  assert.throws(() => parseManifest(both), /manifest and an index at once/);
  assert.throws(() => parseManifest(both, OCI_INDEX), /manifest and an index at once/);
});

test('chain IDs are those of the image specification', () => {
  const [a, b] = [digestOf('a'), digestOf('b')] as [Digest, Digest];
  assert.equal(chainIds([a, b]), [a, digestOf(`${a} ${b}`)]);
  assert.equal(chainIds([]), []);
});

test('media types tell compression and foreign layers', () => {
  assert.is(layerMediaType('none'), OCI_LAYER);
  assert.is(layerMediaType('zstd'), `${OCI_LAYER}+zstd`);
  assert.ok(isForeignLayer('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'));
  assert.ok(isForeignLayer('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'));
  assert.not(isForeignLayer(layer.mediaType));
});

test('the first bytes tell compression, those of pzstd included', () => {
  assert.is(sniffCompression(Buffer.from([0x1f, 0x8b, 8, 0])), 'gzip');
  assert.is(sniffCompression(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])), 'zstd');
  assert.is(sniffCompression(Buffer.from([0x50, 0x2a, 0x4d, 0x18])), 'zstd');
  assert.is(sniffCompression(Buffer.from([0x50, 0x4b, 3, 4])), 'none');
  assert.is(sniffCompression(Buffer.alloc(0)), 'none');
});

test.run();
