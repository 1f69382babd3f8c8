import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { WantedImage } from '../../src/actions/image-names.ts';
import { type ImagePushOptions, pushImages } from '../../src/actions/image-push.ts';
import { digestOf } from '../../src/content/digest.ts';
import { parseReference } from '../../src/content/reference.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { layersFolder } from '../../src/registry/upload-journal.ts';
import { Meter } from '../../src/support/meter.ts';
import { failure } from '../registry/rig.ts';
import {
  dockerArchive20,
  dockerArchive26Files,
  gzipped,
  imageOf,
  layerOf,
  manifestOf,
  ociArchive,
  siteImages,
  tarOf,
  writeTo,
} from '../support/archives.ts';
import { asHarbor } from '../support/fake-harbor.ts';
import {
  drop,
  dropAnswer,
  errorBody,
  type FakeRegistry,
  type Fault,
  type Quirks,
  startFakeRegistry,
  status,
  webPage,
} from '../support/fake-registry.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/image-push');
const folder = scratch();
const [app, tool] = await siteImages();
const oci = writeTo(folder, 'images.oci.tar', await ociArchive([app, tool]));
const saved = writeTo(folder, 'saved.tar', await dockerArchive20([app, tool]));
const random = Math.random;

test.before(() => {
  // No login of this machine, and pauses before retries of no length.
  process.env.DOCKER_CONFIG = folder;
  Math.random = () => 0;
});
test.after(() => {
  Math.random = random;
});

function wanted(...names: string[]): WantedImage[] {
  return names.map(name => ({ name: parseReference(name), origins: [] }));
}

interface Site {
  registry: FakeRegistry;
  push(options?: Partial<ImagePushOptions>): ReturnType<typeof pushImages>;
  /** Repositories and tags, sorted; no digests. */
  tags(): string[];
}

function withSite(body: (site: Site) => Promise<void>, quirks: Quirks = {}): () => Promise<void> {
  return async () => {
    const registry = await startFakeRegistry({ ...quirks });
    const defaults = () => ({
      sources: [oci],
      registry: registry.address,
      rules: [],
      targetPlainHttp: true,
      meter: new Meter(),
    });
    try {
      await body({
        registry,
        push: options => pushImages({ ...defaults(), ...options }),
        tags: () =>
          [...registry.manifests]
            .flatMap(([repository, all]) => [...all.keys()].map(tag => `${repository}:${tag}`))
            .filter(name => !name.includes('sha256'))
            .sort(),
      });
    } finally {
      await registry.close();
    }
  };
}

const TAGS = ['library/tool:2', 'site/app:1.0', 'site/app:latest'];

test(
  'blobs that the registry claimed to have and had to be sent after all are told as sent',
  withSite(
    async ({ push }) => {
      const { images, moved, present, spared } = await push();
      assert.is(present.blobs, 0);
      assert.ok(moved.blobs > 3 && moved.bytes > 30_000, `${moved.blobs} blobs, ${moved.bytes} bytes`);
      assert.equal(spared, { blobs: 0, bytes: 0 });
      for (const image of images) assert.ok((image.moved ?? 0) > 0, image.to);
    },
    { claimsAllBlobs: true },
  ),
);

for (const concurrency of [1, 3])
  test(
    `no more than ${concurrency} of the registry's requests are under way at once, where that is asked for`,
    withSite(async ({ registry, push, tags }) => {
      let [now, most] = [0, 0];
      for (const method of ['HEAD', 'POST', 'PUT', 'PATCH'])
        registry.fault(
          method,
          /./,
          async ({ res }, proceed) => {
            most = Math.max(most, ++now);
            res.on('close', () => now--);
            await new Promise(resolve => setTimeout(resolve, 20));
            await proceed();
          },
          1000,
        );
      await push({ concurrency });
      assert.ok(tags().length >= 2);
      assert.is(most, concurrency);
    }),
  );

test(
  'without rules paths stay, and the answer says what became of each name',
  withSite(async ({ registry, push, tags }) => {
    const result = await push();
    assert.equal(tags(), TAGS);
    assert.equal(
      result.images.map(({ from, to, outcome, digest }) => [from, to, outcome, digest]),
      [
        ['site/app:1.0', `${registry.address}/site/app:1.0`, 'copied', digestOf(manifestOf(app))],
        ['site/app:latest', `${registry.address}/site/app:latest`, 'copied', digestOf(manifestOf(app))],
        ['tool:2', `${registry.address}/library/tool:2`, 'copied', digestOf(manifestOf(tool))],
      ],
    );
    assert.equal([result.sources, result.dryRun, result.unnamed], [[`oci-archive:${oci}`], false, []]);
    assert.equal([result.moved.blobs, result.mounted.blobs, result.present.blobs], [6, 1, 0]);
    assert.equal(registry.manifests.get('site/app')?.get('1.0')?.bytes, manifestOf(app));
  }),
);

test(
  'rules rewrite names, the first that matches wins',
  withSite(async ({ registry, push, tags }) => {
    const rules = ['site/app:1.0=plant/first:1', `site/*=${registry.address}/plant/*`, '*=all/*'];
    const { images } = await push({ rules: rules.map(parseRetagRule) });
    assert.equal(tags(), ['all/tool:2', 'plant/app:latest', 'plant/first:1']);
    assert.equal(
      images.map(({ rule }) => rule),
      rules,
    );
  }),
);

test(
  'a dry run asks the registry nothing, and foretells names and digests',
  withSite(async ({ registry, push }) => {
    const rules = [parseRetagRule('site/*=plant/*')];
    const foretold = await push({ dryRun: true, rules });
    assert.is(registry.seen.length, 0);
    assert.ok(foretold.dryRun);
    assert.equal(new Set(foretold.images.map(({ outcome }) => outcome)), new Set(['planned']));
    assert.equal(foretold.moved, { blobs: 0, bytes: 0 });
    const done = await push({ rules });
    const brief = ({ images }: typeof done) =>
      images.map(({ from, to, digest, rule }) => [from, to, digest, rule]);
    assert.equal(brief(foretold), brief(done));
  }),
);

test(
  'different images under one name are refused before any request, with both names',
  withSite(async ({ registry, push }) => {
    for (const dryRun of [false, true]) {
      const rules = ['site/app:1.0=plant/x:1', 'tool:2=plant/x:1'].map(parseRetagRule);
      const error = await failure(push({ rules, dryRun }), 'RULE_COLLISION');
      assert.match(error.message, `${registry.address}/plant/x:1 from site/app:1.0 and tool:2`);
      assert.match(error.suggestions.join(), '--dry-run');
    }
    assert.is(registry.seen.length, 0);
  }),
);

test(
  'one image under one name from two of its names is no collision',
  withSite(async ({ push, tags }) => {
    await push({ rules: ['site/app:*=plant/app:one'].map(parseRetagRule) });
    assert.equal(tags(), ['library/tool:2', 'plant/app:one']);
  }),
);

test(
  'addresses that are none, and rules that lead elsewhere, are refused before any request',
  withSite(async ({ registry, push }) => {
    await failure(push({ rules: ['*=other.site/*'].map(parseRetagRule) }), 'RULE_INVALID');
    await failure(push({ registry: 'http://hub.company.com' }), 'REFERENCE_INVALID');
    await failure(push({ sources: [`${folder}/none.tar`] }), 'FILE_NOT_FOUND');
    assert.is(registry.seen.length, 0);
  }),
);

test(
  'only the images that are asked for go',
  withSite(async ({ push, tags }) => {
    const { images } = await push({ wanted: wanted('docker.io/site/app:1.0') });
    assert.equal(tags(), ['site/app:1.0']);
    assert.equal(
      images.map(({ from }) => from),
      ['site/app:1.0'],
    );
  }),
);

test(
  'a name in only that the source does not have is told, with the nearest that it has',
  withSite(async ({ registry, push }) => {
    const near = await failure(push({ wanted: wanted('site/ap:1.0') }), 'IMAGE_NOT_FOUND');
    assert.match(near.message, 'has no image site/ap:1.0');
    assert.match(near.suggestions.join(), 'Did you mean site/app:1.0?');
    const far = await failure(push({ wanted: wanted('site/app:1.0', 'quite/else:9') }), 'IMAGE_NOT_FOUND');
    assert.not.match(far.suggestions.join(), 'Did you mean');
    assert.match(far.suggestions.join(), 'airferry image list');
    assert.is(registry.seen.length, 0);
  }),
);

for (const [what, source] of Object.entries({
  'an OCI archive': oci,
  'an OCI archive, gzip': writeTo(folder, 'a.tgz', gzipped(await ociArchive([app, tool]))),
  'docker save of the containerd store': writeTo(
    folder,
    'b.tar',
    await tarOf(dockerArchive26Files([app, tool], gzipped)),
  ),
}))
  test(
    `${what}: a second push asks one question per name and moves no blob`,
    withSite(async ({ registry, push }) => {
      await push({ sources: [source] });
      const before = registry.requests().length;
      const { images, moved } = await push({ sources: [source] });
      assert.equal(
        registry.requests().slice(before).sort(),
        ['library/tool/manifests/2', 'site/app/manifests/1.0', 'site/app/manifests/latest'].map(
          path => `HEAD /v2/${path}`,
        ),
      );
      assert.equal(new Set(images.map(({ outcome }) => outcome)), new Set(['present']));
      assert.equal(moved, { blobs: 0, bytes: 0 });
    }),
  );

test(
  'a second push of an archive of plain layers asks for each name once, and neither compresses nor sends',
  withSite(async ({ registry, push }) => {
    const first = await push({ sources: [saved] });
    const before = registry.requests().length;
    const { images, moved, spared } = await push({ sources: [saved] });
    const paths = ['library/tool/manifests/2', 'site/app/manifests/1.0', 'site/app/manifests/latest'];
    assert.equal(
      registry.requests().slice(before).sort(),
      paths.map(path => `GET /v2/${path}`),
    );
    assert.equal(new Set(images.map(({ outcome }) => outcome)), new Set(['present']));
    assert.equal([moved.blobs, spared.bytes], [0, first.spared.bytes + first.moved.bytes]);
    const digests = ({ digest }: { digest?: string }) => digest;
    assert.equal(images.map(digests), first.images.map(digests));
  }),
);

test(
  'a push of plain layers that broke off before its manifests sends no layer again',
  withSite(async ({ registry, push }) => {
    await push({ sources: [saved] });
    registry.manifests.clear();
    const { moved, present, images } = await push({ sources: [saved] });
    assert.is(moved.blobs, 0);
    assert.ok(present.bytes > 0 && images.every(({ outcome }) => outcome === 'copied'));
  }),
);

test(
  'a layer that an earlier run compressed to other bytes is sent as what it is now',
  withSite(async ({ registry, push }) => {
    const first = await push({ sources: [saved] });
    const [book = ''] = readdirSync(layersFolder());
    const file = join(layersFolder(), book);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const wrong = lines.map(line => line.replace(/ (sha256:\w+) /, (_, digest) => ` ${digestOf(digest)} `));
    writeFileSync(file, `${wrong.join('\n')}\n`);
    registry.manifests.clear();
    registry.blobs.clear();
    const again = await push({ sources: [saved] });
    assert.equal(
      again.images.map(({ digest }) => digest),
      first.images.map(({ digest }) => digest),
    );
    assert.ok(again.moved.blobs > 0);
  }),
);

test(
  'another image under the same name, or one whose layers are fewer, is replaced',
  withSite(async ({ registry, push }) => {
    const { images } = await push({ sources: [saved] });
    const tool = registry.manifests.get('library/tool');
    const app = registry.manifests.get('site/app')?.get('1.0');
    if (!tool || !app) throw new Error('nothing was pushed');
    const right = tool.get('2');
    tool.set('2', app);
    const again = await push({ sources: [saved] });
    assert.equal(tool.get('2')?.bytes, right?.bytes);
    assert.equal(
      again.images.map(({ from, outcome }) => [from, outcome]).sort(),
      images.map(({ from }) => [from, from === 'tool:2' ? 'copied' : 'present']).sort(),
    );
    const cut = JSON.parse(Buffer.from(right?.bytes ?? '').toString());
    cut.layers = cut.layers.slice(1);
    tool.set('2', { ...app, bytes: Buffer.from(JSON.stringify(cut)) });
    await push({ sources: [saved] });
    assert.equal(tool.get('2')?.bytes, right?.bytes);
  }),
);

test('a web address is no registry, and what to write instead is said', async () => {
  const options = { sources: [oci], meter: new Meter() };
  for (const [registry, advice] of [
    ['https://hub.company.com/', 'Write hub.company.com, without https://.'],
    ['http://10.0.0.5:5000', 'Write 10.0.0.5:5000 --plain-http, without http://.'],
  ] as const) {
    const error = await failure(pushImages({ ...options, registry }), 'REFERENCE_INVALID');
    assert.equal(error.suggestions, [advice]);
  }
  const upper = await failure(
    pushImages({ ...options, registry: 'hub.company.com/Team' }),
    'REFERENCE_INVALID',
  );
  assert.equal(upper.suggestions, ['Write hub.company.com/team.']);
});

test(
  'an archive of plain layers is compressed as asked, and a second push makes the same digests',
  withSite(async ({ push }) => {
    const digests = async (options: Partial<ImagePushOptions>) =>
      (await push({ sources: [saved], ...options })).images.map(({ digest }) => digest);
    const first = await digests({});
    assert.equal(await digests({}), first);
    assert.not.equal(await digests({ compression: 'zstd' }), first);
  }),
);

test(
  'a layer that two repositories share is mounted, or sent again where mounts are refused',
  withSite(async ({ registry, push }) => {
    assert.is((await push()).mounted.blobs, 1);
    registry.blobs.clear();
    registry.manifests.clear();
    for (const mount of ['decline', 403] as const) {
      registry.quirks.mount = mount;
      const { mounted, moved } = await push();
      assert.equal([mounted.blobs, moved.blobs], [0, 7], `${mount}`);
      registry.blobs.clear();
      registry.manifests.clear();
    }
  }),
);

test(
  'images without a name are listed by their ID and stay',
  withSite(async ({ push, tags }) => {
    const unnamed = imageOf([], [await layerOf('u', 'u')]);
    const source = writeTo(folder, 'unnamed.tar', await dockerArchive20([unnamed, tool]));
    const result = await push({ sources: [source] });
    assert.equal(result.unnamed, [unnamed.id]);
    assert.equal(tags(), ['library/tool:2']);
  }),
);

test(
  'an index goes under its name with all that it leads to, and its images are not called unnamed',
  withSite(async ({ registry, push, tags }) => {
    const arm = imageOf([], tool.layers, { platform: 'linux/arm64' });
    const options = { indexName: 'multi:1', attest: true, absent: ['linux/s390x'] };
    const source = writeTo(folder, 'multi.tar', await ociArchive([tool, arm], options));
    const result = await push({ sources: [source] });
    assert.equal([tags(), result.unnamed], [['library/multi:1'], []]);
    const digests = [...(registry.manifests.get('library/multi')?.keys() ?? [])];
    assert.is(digests.filter(key => key.includes('sha256')).length, 5);
    const before = registry.seen.length;
    assert.is((await push({ sources: [source] })).images[0]?.outcome, 'present');
    // Is it there as it is, or cut to what the archive holds?
    assert.is(registry.seen.length, before + 2);
  }),
);

const LATER = { 'retry-after': '7200' };
const BLOB = /blobs\/uploads/;
const REFUSALS: [
  what: string,
  method: string,
  pattern: RegExp,
  fault: Fault,
  code: ErrorCode,
  words: RegExp,
][] = [
  [
    '401 without a way to log in',
    'POST',
    BLOB,
    status(401, '', { 'www-authenticate': 'Basic realm="hub"' }),
    'REGISTRY_UNAUTHORIZED',
    /./,
  ],
  ['403', 'POST', BLOB, status(403, errorBody('DENIED', 'requested access')), 'REGISTRY_DENIED', /denies/],
  [
    '403 for a quota',
    'PUT',
    /digest=/,
    status(403, errorBody('DENIED', 'quota exceeded')),
    'REGISTRY_DENIED',
    /quota/,
  ],
  [
    '404 for a project that is missing',
    'POST',
    BLOB,
    status(404, errorBody('NAME_UNKNOWN')),
    'REGISTRY_NOT_FOUND',
    /not found/,
  ],
  ['412 for an immutable tag', 'PUT', /manifests/, status(412), 'REGISTRY_DENIED', /keeps this tag/],
  [
    '413',
    'PUT',
    /digest=/,
    status(413, '<html>nginx</html>', { 'content-type': 'text/html' }),
    'REGISTRY_TOO_LARGE',
    /size/,
  ],
  ['429 for hours', 'POST', BLOB, status(429, '', LATER), 'REGISTRY_RATE_LIMITED', /pause of 2/],
  ['500 for hours', 'POST', BLOB, status(500, '', LATER), 'REGISTRY_FAILED', /status 500/],
  ['500 again and again', 'PUT', /digest=/, status(500), 'REGISTRY_FAILED', /status 500/],
  ['connections that always drop', 'PUT', /digest=/, drop(100), 'REGISTRY_UNREACHABLE', /lost/],
  ['a web page', 'POST', BLOB, webPage(200), 'REGISTRY_PROTOCOL', /./],
  ['a web page for the first question', 'HEAD', /./, webPage(502), 'REGISTRY_FAILED', /502/],
  ['500 for the manifest', 'PUT', /manifests/, status(500, '', LATER), 'REGISTRY_FAILED', /status 500/],
];

for (const [what, method, pattern, fault, code, words] of REFUSALS)
  test(
    `${what}: ends with ${code}, leaves no tag behind, and the next push finishes the job`,
    withSite(async ({ registry, push, tags }) => {
      let strikes = true;
      const striking: Fault = (exchange, proceed) => (strikes ? fault(exchange, proceed) : proceed());
      registry.fault(method, pattern, striking, Number.POSITIVE_INFINITY);
      const error = await failure(push(), code);
      assert.match(error.message, words);
      assert.match(error.message, registry.address);
      assert.ok(error.suggestions.length > 0, 'it says what to do');
      assert.equal(tags(), []);
      strikes = false;
      const { moved, present } = await push();
      assert.equal(tags(), TAGS);
      assert.ok(moved.blobs + present.blobs <= 7);
    }),
  );

const PASSING: [what: string, method: string, pattern: RegExp, fault: Fault][] = [
  ['429', 'POST', BLOB, status(429, '', { 'retry-after': '0' })],
  ['503', 'PUT', /digest=/, status(503)],
  ['a dropped connection', 'PUT', /digest=/, drop(50)],
  ['an answer that is lost', 'PUT', /manifests/, dropAnswer()],
  ['an upload that the registry forgot', 'PUT', /digest=/, status(404, errorBody('BLOB_UPLOAD_UNKNOWN'))],
];

for (const [what, method, pattern, fault] of PASSING)
  test(
    `${what} once or twice is survived, from archives of every kind`,
    withSite(async ({ registry, push, tags }) => {
      for (const source of [
        oci,
        saved,
        writeTo(folder, 'c.tgz', gzipped(await dockerArchive20([app, tool]))),
      ]) {
        registry.fault(method, pattern, fault, 2);
        const meter = new Meter();
        await push({ sources: [source], meter });
        assert.equal(tags(), TAGS);
        assert.is(meter.progress.done, meter.progress.total);
        registry.manifests.clear();
        registry.blobs.clear();
      }
    }),
  );

test(
  'a login that may only push to one project is denied in another, and the first image is there',
  withSite(
    async ({ push, tags }) => {
      const error = await failure(push(), 'REGISTRY_UNAUTHORIZED').catch(() =>
        failure(push(), 'REGISTRY_DENIED'),
      );
      assert.ok(error.suggestions.length > 0);
      assert.not(tags().includes('library/tool:2'));
    },
    { auth: 'bearer', projects: ['site'] },
  ),
);

test(
  'a signal stops a push, and no tag is written',
  withSite(async ({ registry, push, tags }) => {
    const stop = new AbortController();
    registry.fault('POST', BLOB, (_, proceed) => {
      stop.abort();
      return proceed();
    });
    await failure(push({ signal: stop.signal }), 'INTERRUPTED').catch(error => {
      if (error.name !== 'AbortError') throw error;
    });
    assert.equal(tags(), []);
  }),
);

/** Throws unless the registry has every blob of every manifest that it has. */
function assertWhole(registry: FakeRegistry, when: string): void {
  for (const [repository, all] of registry.manifests)
    for (const { bytes } of all.values()) {
      const { config, layers = [] } = JSON.parse(bytes.toString());
      for (const { digest } of [config, ...layers])
        assert.ok(registry.blobs.get(repository)?.has(digest), `${repository} lacks ${digest} ${when}`);
    }
}

test('a push that is stopped at any request leaves no manifest without its blobs, and the next one completes it', async () => {
  for (let at = 1, ended = false; !ended; at++) {
    await withSite(
      async ({ registry, push, tags }) => {
        const stop = new AbortController();
        let count = 0;
        for (const method of ['HEAD', 'GET', 'POST', 'PATCH', 'PUT'])
          registry.fault(
            method,
            /./,
            (_, proceed) => {
              if (++count === at) stop.abort();
              return proceed();
            },
            1000,
          );
        const stopped = await push({ signal: stop.signal }).catch((error: unknown) => error);
        ended = count < at;
        const { code, name } = stopped as { code?: string; name?: string };
        if (!ended && stopped instanceof Error)
          assert.ok(code === 'INTERRUPTED' || name === 'AbortError', `${stopped}`);
        assertWhole(registry, `after request ${at}`);
        await push();
        assertWhole(registry, `after request ${at} and another push`);
        assert.equal(tags(), ['library/tool:2', 'site/app:1.0', 'site/app:latest']);
      },
      { auth: 'bearer' },
    )();
  }
});

test(
  'a damaged archive ends in DIGEST_MISMATCH, and no manifest is written',
  withSite(async ({ registry, push }) => {
    const files = dockerArchive26Files([tool], gzipped);
    const layer = [...files].find(([, content]) => (content as Uint8Array)[0] === 0x1f)?.[0] as string;
    const bytes = Buffer.from(files.get(layer) as Uint8Array);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 0xff;
    const archive = await tarOf(files.set(layer, bytes));
    for (const [name, content] of [
      ['d.tar', archive],
      ['d.tgz', gzipped(archive)],
    ] as const) {
      await failure(push({ sources: [writeTo(folder, name, content)] }), 'DIGEST_MISMATCH');
      assert.is([...registry.manifests.values()].flatMap(all => [...all]).length, 0);
    }
  }),
);

test(
  'where one of several names fails, it is said which stand and which do not',
  withSite(async ({ registry, push, tags }) => {
    registry.fault('PUT', /library\/tool\/manifests/, status(412, errorBody('PRECONDITION', 'immutable')), 9);
    const error = await failure(push(), 'REGISTRY_DENIED');
    const told = error.suggestions.find(line => line.includes('not yet')) ?? '';
    const stand = tags().map(name => `${registry.address}/${name.replace('library/', '')}`);
    assert.match(told, `${stand.length} of 3 names were stored before that; not yet: `);
    assert.match(told, 'tool:2');
    for (const name of stand) assert.not.match(told, name);
  }),
);

for (const [what, write] of Object.entries({
  'an OCI archive': () => ociArchive([app, tool]),
  'a docker-archive': () => dockerArchive20([app, tool]),
  'a docker-archive, compressed as a whole': async () => gzipped(await dockerArchive20([app, tool])),
  'an OCI archive, compressed as a whole': async () => gzipped(await ociArchive([app, tool])),
})) {
  test(
    `projects of Harbor are created before the first byte of ${what}`,
    withSite(async ({ registry, push, tags }) => {
      const harbor = asHarbor(registry);
      const path = writeTo(folder, 'harbor.tar', await write());
      const rules = [parseRetagRule('site/*=plant/*'), parseRetagRule('*=tools/*')];
      await push({ sources: [path], createProjects: true, rules });
      assert.equal([...harbor.projects.keys()].sort(), ['plant', 'tools']);
      assert.equal(tags(), ['plant/app:1.0', 'plant/app:latest', 'tools/tool:2']);
      const requests = registry.requests();
      const created = requests.findLastIndex(line => /^POST .*\/projects/.test(line));
      const uploaded = requests.findIndex(line => line.includes('/blobs/uploads'));
      assert.ok(created >= 0 && created < uploaded, `${created} before ${uploaded}`);
    }),
  );
}

test.run();
