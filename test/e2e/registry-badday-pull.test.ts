/** Copies out of a real registry on its bad days, by the real command line: cut, limited, late and spoilt on the way. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { must } from '../lab/exec.ts';
import { manifestOf } from '../support/archives.ts';
import { errorBody, status } from '../support/fake-registry.ts';
import { cutAnswer, cutUpload, everyNth, flipDownload, lateAnswer } from '../support/fault-proxy.ts';
import { suite } from '../support/suite.ts';
import { BadDays, type Day, type Manifest } from './badday.ts';

const test = suite('bad days of a registry: pull', { timeout: 60_000 });
const days = new BadDays();
const BLOB_GET = /^GET .*\/blobs\//;

test.before(() => days.start());
test.after(() => days.end());

/** The image stands in the registry; where a test finds it. */
async function stored(day: Day): Promise<{ from: string; manifest: Manifest; digest: string }> {
  const bytes = manifestOf(day.image);
  await must([
    ...['skopeo', '--insecure-policy', 'copy', '-q', '--dest-tls-verify=false'],
    ...[`oci-archive:${day.oci}`, `docker://${days.address}/${day.name}`],
  ]);
  const from = `docker://${day.proxy.address}/${day.name}`;
  return { from, manifest: JSON.parse(bytes.toString()), digest: digestOf(bytes) };
}

/** Hold a layout against the image: its name leads to the same manifest, and each blob is what its digest says. */
async function provenLayout(folder: string, digest: string): Promise<void> {
  const [entry] = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).manifests;
  assert.is(entry.digest, digest);
  assert.is(digestOf(await must(['skopeo', 'inspect', '--raw', `oci:${folder}`])), digest);
  const blobs = readdirSync(join(folder, 'blobs/sha256'));
  assert.is(blobs.length, 5);
  for (const blob of blobs)
    assert.is(digestOf(readFileSync(join(folder, 'blobs/sha256', blob))), `sha256:${blob}`);
}

/** Where downloads went on: the first bytes of the requests for a range. */
function resumed({ proxy }: Day): number[] {
  return proxy.seen.flatMap(({ headers }) => {
    const start = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1];
    return start === undefined ? [] : [Number(start)];
  });
}

test(
  'a download that is cut goes on where it stopped, again and again, into a layout',
  days.day(async day => {
    const { from, digest } = await stored(day);
    day.proxy.fault(BLOB_GET, cutAnswer(60_000), 8);
    const layout = join(day.folder, 'layout');
    await day.airferry('image', 'copy', from, `oci:${layout}`);
    await provenLayout(layout, digest);
    const starts = resumed(day);
    assert.ok(starts.length >= 5 && starts.every(start => start > 0), `${starts}`);
    assert.ok(
      starts.some(start => start > 60_000),
      'one was cut twice',
    );
  }),
);

test(
  'an image is saved although every fourth request fails in another way',
  days.day(async day => {
    const { from, manifest } = await stored(day);
    const limited = status(429, errorBody('TOOMANYREQUESTS'), { 'retry-after': '1' });
    const faults = [cutAnswer(50_000), status(503), lateAnswer(1_000), cutUpload(0), limited];
    day.proxy.fault(/./, everyNth(4, faults), Number.POSITIVE_INFINITY);
    const file = join(day.folder, 'saved.tar');
    await day.airferry('image', 'save', from, '-o', file);
    const raw = JSON.parse(await must(['skopeo', 'inspect', '--raw', `docker-archive:${file}`]));
    assert.is(raw.config.digest, manifest.config.digest);
    const back = join(day.folder, 'back');
    await must(['skopeo', '--insecure-policy', 'copy', '-q', `docker-archive:${file}`, `dir:${back}`]);
    for (const diffId of day.image.diffIds)
      assert.is(digestOf(readFileSync(join(back, diffId.slice('sha256:'.length)))), diffId);
  }),
);

for (const [what, target, leftovers] of [
  ['a layout', (day: Day) => `oci:${day.folder}/layout`, 'layout'],
  ['an archive', (day: Day) => `docker-archive:${day.folder}/saved.tar`, undefined],
  ['a bundle', (day: Day) => `bundle:${day.folder}/site.tar`, undefined],
] as const)
  test(
    `one byte that is another on the way into ${what} is a mismatch that names the blob, and nothing is left`,
    days.day(async day => {
      const { from, manifest } = await stored(day);
      const [, layer] = manifest.layers;
      day.proxy.fault(new RegExp(`^GET .*/blobs/${layer?.digest}`), flipDownload(70_000));
      const { where } = await day.refused('DIGEST_MISMATCH', 'image', 'copy', from, target(day));
      assert.is(where.blob, layer?.digest);
      assert.equal(
        readdirSync(day.folder).filter(name => name !== leftovers),
        [],
      );
      if (leftovers) {
        // Blobs that arrived whole are found there the next time; no name leads to them.
        const blobs = join(day.folder, leftovers, 'blobs/sha256');
        for (const blob of existsSync(blobs) ? readdirSync(blobs) : [])
          assert.is(digestOf(readFileSync(join(blobs, blob))), `sha256:${blob}`);
        assert.not(existsSync(join(day.folder, leftovers, 'index.json')));
      }
      const again = await day.airferry('image', 'copy', from, target(day));
      assert.is(again.images[0]?.outcome, 'copied');
    }),
  );

test(
  'from registry to registry, cuts on both sides are mended, and a byte that is another ends it without a tag',
  days.day(async day => {
    const { from, manifest } = await stored(day);
    const other = day.name.replace('bad/', 'copied/');
    const copy = ['image', 'copy', from, `docker://${days.address}/${other}`];
    day.proxy.fault(new RegExp(`^GET .*/blobs/${manifest.layers[2]?.digest}`), flipDownload(9_000));
    const { where } = await day.refused('DIGEST_MISMATCH', ...copy);
    assert.is(where.blob, manifest.layers[2]?.digest);
    assert.not(await days.has(other));
    day.proxy.fault(BLOB_GET, cutAnswer(40_000), 3);
    await day.airferry(...copy);
    assert.ok(resumed(day).length > 0);
    await days.proven(day, day.oci, other, [`bad/*=${day.proxy.address}/copied/*`]);
  }),
);

test.run();
