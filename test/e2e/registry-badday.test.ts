/** Pushes to a real registry on its bad days, by the real command line: what a proxy before it cuts, loses, delays and makes up. */
import { readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { RegistryClient } from '../../src/registry/client.ts';
import { collect, sample } from '../registry/rig.ts';
import { manifestOf, ociArchive, writeTo } from '../support/archives.ts';
import { errorBody, status } from '../support/fake-registry.ts';
import {
  cutUpload,
  everyNth,
  flipUpload,
  giveUp,
  lateAnswer,
  loseAnswer,
  type ProxyFault,
  perSecond,
} from '../support/fault-proxy.ts';
import { suite } from '../support/suite.ts';
import { BadDays, type Day, type Manifest, randomImage } from './badday.ts';

const test = suite('bad days of a registry: push', { timeout: 60_000 });
const days = new BadDays();
const KINDS = ['oci', 'saved'] as const;
/** The request that ends the upload of a blob. */
const LAST_PUT = /^PUT .*digest=/;
const MANIFEST_PUT = /^PUT .*\/manifests\//;

test.before(() => days.start());
test.after(() => days.end());

/** HEAD for any blob of the manifest is answered as if it were there. */
function claimAll({ config, layers }: Manifest): ProxyFault {
  const sizes = new Map([config, ...layers].map(({ digest, size }) => [digest as string, size]));
  return (passage, proceed) => {
    const size = sizes.get(passage.seen.path.split('/').at(-1) ?? '');
    if (size === undefined) return proceed();
    passage.res.writeHead(200, { 'content-length': size }).end();
  };
}

const manifestIn = ({ image }: Day): Manifest => JSON.parse(manifestOf(image).toString());

for (const kind of KINDS) {
  test(
    `${kind}: a connection that is cut in the middle of two layers: they are sent again`,
    days.day(async day => {
      day.proxy.fault(kind === 'oci' ? LAST_PUT : /^PATCH /, cutUpload(100_000), 2);
      assert.is((await day.push(day[kind])).moved.blobs, 4);
      await days.proven(day, day[kind]);
    }),
  );

  test(
    `${kind}: the answers to the last PUT of all blobs and to that of the manifest are lost: no blob is sent twice`,
    days.day(async day => {
      day.proxy.fault(LAST_PUT, loseAnswer(), 4);
      day.proxy.fault(MANIFEST_PUT, loseAnswer());
      assert.is((await day.push(day[kind])).moved.blobs, 4);
      assert.is(day.proxy.requests(LAST_PUT).length, 4);
      assert.is(day.proxy.requests(MANIFEST_PUT).length, 2);
      await days.proven(day, day[kind]);
    }),
  );

  test(
    `${kind}: a registry that finalises for seconds is waited for, and looked after where a proxy does not wait`,
    days.day(async day => {
      day.proxy.fault(LAST_PUT, lateAnswer(2_000));
      day.proxy.fault(LAST_PUT, giveUp(600), 2);
      day.proxy.fault(MANIFEST_PUT, giveUp(400));
      assert.is((await day.push(day[kind])).moved.blobs, 4);
      assert.is(day.proxy.requests(LAST_PUT).length, 4);
      await days.proven(day, day[kind]);
    }),
  );

  test(
    `${kind}: whatever goes wrong with every fifth request, the image gets there`,
    days.day(async day => {
      const faults = [cutUpload(60_000), loseAnswer(), status(503), cutUpload(0), status(429), giveUp(300)];
      day.proxy.fault(/./, everyNth(5, faults), Number.POSITIVE_INFINITY);
      await day.push(day[kind]);
      await days.proven(day, day[kind]);
    }),
  );
}

test(
  'a storm of 429 that names its pauses in seconds and as dates, and a few 503, are outlived',
  days.day(async day => {
    const limited = (pause: () => string): ProxyFault => {
      return (passage, proceed) =>
        status(429, errorBody('TOOMANYREQUESTS'), { 'retry-after': pause() })(passage, proceed);
    };
    const soon = (): string => new Date(Date.now() + 1_500).toUTCString();
    day.proxy.fault(/^HEAD .*\/blobs\//, status(503), 2);
    day.proxy.fault(MANIFEST_PUT, status(503));
    day.proxy.fault(LAST_PUT, limited(soon), 2);
    const storm = perSecond(
      5,
      limited(() => '1'),
    );
    day.proxy.fault(/^(?!PUT)/, storm, Number.POSITIVE_INFINITY);
    assert.is((await day.push(day.oci)).moved.blobs, 4);
    await days.proven(day, day.oci);
  }),
);

test(
  'a byte that changes on the way in is a mismatch that names the blob, and no tag is written',
  days.day(async day => {
    day.proxy.fault(LAST_PUT, flipUpload(50_000));
    const { where } = await day.refused('DIGEST_MISMATCH', 'image', 'push', day.oci, day.proxy.address);
    const [first = ''] = day.proxy.requests(LAST_PUT);
    assert.is(where.blob, new URLSearchParams(first.split('?')[1]).get('digest'));
    assert.not(await days.has(day.name));
    await day.push(day.oci);
    await days.proven(day, day.oci);
  }),
);

test(
  'blobs that HEAD claims to be there are sent when the manifest finds out',
  days.day(async day => {
    day.proxy.fault(/^HEAD /, claimAll(manifestIn(day)), Number.POSITIVE_INFINITY);
    await day.push(day.oci);
    assert.is(day.proxy.requests(MANIFEST_PUT).length, 2);
    assert.is(day.proxy.requests(LAST_PUT).length, 4);
    await days.proven(day, day.oci);
  }),
);

test(
  'so are layers that an earlier run compressed, out of the archive that has them plain',
  days.day(async day => {
    await day.push(day.saved);
    const manifest: Manifest = JSON.parse(await days.raw(day.name));
    day.proxy.fault(/^HEAD /, claimAll(manifest), Number.POSITIVE_INFINITY);
    const other = day.name.replace('bad/', 'other/');
    const rule = `bad/*=${day.proxy.address}/other/*`;
    await day.airferry('image', 'push', day.saved, day.proxy.address, '--retag', rule);
    assert.is(day.proxy.requests(/^PUT .*other.*manifests/).length, 2);
    assert.equal(await days.proven(day, day.saved, other, [rule]), manifest);
  }),
);

test(
  'a mount that is answered 201 and was not done is found out, too',
  days.day(async day => {
    const [base] = day.image.layers;
    const other = await randomImage('mounted/app:1.0', base);
    const both = writeTo(day.folder, 'both.tar', await ociArchive([day.image, other]));
    day.proxy.fault(/^POST .*mount=/, status(201));
    const { mounted } = await day.push(both);
    assert.is(mounted.blobs, 0, 'it travelled after all');
    await days.proven(day, day.oci);
    await days.proven({ ...day, image: other }, both, 'mounted/app:1.0');
  }),
);

test(
  'a blob that was taken and is lost afterwards is sent again when its manifest is refused',
  days.day(async day => {
    day.proxy.fault(LAST_PUT, status(201));
    await day.push(day.oci);
    assert.ok(day.proxy.requests(LAST_PUT).length > 1);
    await days.proven(day, day.oci);
    assert.equal(readdirSync(day.folder), []);
  }),
);

test(
  'a large blob in chunks survives a cut, an answer to a chunk and one to the last request that are lost',
  days.day(async ({ proxy, name }) => {
    const [repository = ''] = name.split(':');
    const shared = { plainHttp: true, access: 'push', uploadsDir: false } as const;
    const chunks = { from: 400_000, chunk: 300_000 };
    const client = new RegistryClient({ ...shared, registry: proxy.address, chunks });
    const blob = sample(1_500_000);
    proxy.fault(/^PATCH /, cutUpload(200_000));
    proxy.fault(/^PATCH /, loseAnswer());
    proxy.fault(LAST_PUT, loseAnswer());
    assert.is((await client.putBlob(repository, blob)).how, 'moved');
    assert.is(proxy.requests(LAST_PUT).length, 1);
    const reader = new RegistryClient({ ...shared, registry: days.address });
    assert.equal(await collect(reader.getBlob(repository, blob.descriptor)), blob.bytes);
    await Promise.all([client.close(), reader.close()]);
  }),
);

test.run();
