/** Bundles of every released format: they stay readable, whatever airferry becomes. */
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { bundleCycloneDx, bundleHtml, inspectBundle } from '../../src/actions/bundle-inspect.ts';
import { repairBundle } from '../../src/actions/bundle-repair.ts';
import { problemsError, verifyBundle } from '../../src/actions/bundle-verify.ts';
import { listImages } from '../../src/actions/image-list.ts';
import { parseReceipt, readReceipt } from '../../src/bundle/delta/receipt.ts';
import { Bundle } from '../../src/bundle/open.ts';
import { retagBundle } from '../../src/bundle/retag.ts';
import { publicKeyOf } from '../../src/bundle/sign/secret-key.ts';
import type { CheckedEntry } from '../../src/bundle/verify.ts';
import { formatPublicKey } from '../../src/content/minisign.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { readCargo, wantedFor } from '../../src/phases/wanted.ts';
import { Meter } from '../../src/support/meter.ts';
import { imagesFor, planLoads } from '../../src/transports/docker-load.ts';
import { FACTS } from '../phases/context.ts';
import { writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import {
  GOLDEN,
  GOLDEN_DELTA,
  GOLDEN_PARTS,
  GOLDEN_RECEIPT,
  KEY,
  makeBase,
  makeDelta,
  makeGolden,
  makeParts,
  makeReceipt,
} from './golden/make.ts';
import { refused } from './rig.ts';

const test = suite('bundle/golden');
const dir = scratch();
const DIGEST = 'sha256:5c91f00b966839057f677fed3047b7fc44fcdd324a2f9635aa6fce7c4f79fa11';
const DELTA_DIGEST = 'sha256:a594548d3f7b98f8d3f16901429158cff7c3a1be44aecf451cd144206cba1898';
const APP = 'hub.company.com/site/app:1.0';

test('the golden bundle of format 1 is as it was released, and made again byte for byte', async () => {
  const path = join(dir, 'again.tar');
  assert.is(await makeGolden(path), DIGEST);
  assert.ok(readFileSync(path).equals(readFileSync(GOLDEN)));
  assert.ok(statSync(GOLDEN).size < 61_440, 'it lies in the repository');
});

test('it is verified with its signature', async () => {
  const pub = writeTo(dir, 'golden.pub', formatPublicKey(publicKeyOf(KEY)));
  const report = await verifyBundle({ path: GOLDEN, trustedKeys: [pub], meter: new Meter() });
  assert.is(problemsError(report), undefined);
  assert.is(report.signature.state, 'signed');
  assert.is(report.digest, DIGEST);
});

test('it is inspected: images by platform, shared layers, and what is about them', async () => {
  const inspection = await inspectBundle({ path: GOLDEN });
  assert.is(inspection.schemaVersion, '1.0');
  assert.equal(
    inspection.images.map(({ names, platform, layers }) => [names, platform, layers.map(l => l.images)]),
    [
      [[APP], 'linux/amd64', [3, 1]],
      [[APP], 'linux/arm64', [3, 1]],
      [['tool:2'], 'linux/amd64', [3]],
    ],
  );
  assert.equal(
    inspection.images[0]?.referrers.map(({ title }) => title),
    ['SLSA provenance'],
  );
  assert.equal(
    inspection.indexes.map(({ names, referrers }) => [names, referrers.map(({ title }) => title)]),
    [[[APP], ['SPDX SBOM']]],
  );
  assert.equal(
    inspection.indexes[0]?.referrers[0]?.referrers.map(({ title }) => title),
    ['Notation signature'],
  );
  assert.equal(inspection.signatures, [KEY.keyId]);
  assert.match(await bundleHtml({ path: GOLDEN, airferry: '0.1.0' }), 'Notation signature');
  const bom = await bundleCycloneDx({ path: GOLDEN, airferry: '0.1.0' });
  assert.is(bom.metadata.timestamp, '2026-01-01T00:00:00.000Z');
});

test('its images are listed', async () => {
  const source = { transport: 'bundle', path: GOLDEN } as const;
  const { images } = await listImages({ source, meter: new Meter() });
  assert.equal(
    images.filter(({ artifactType }) => !artifactType).map(({ names, platform }) => [names[0], platform]),
    [
      [APP, 'linux/amd64'],
      [APP, 'linux/arm64'],
      ['tool:2', 'linux/amd64'],
    ],
  );
});

test('one bundle installs hosts of both architectures, each with what is made for it', async () => {
  const bundle = Bundle.open(GOLDEN);
  const cargo = await readCargo(bundle);
  const { engine, compose } = bundle.manifest;
  for (const [i, facts] of [FACTS, { ...FACTS, machine: 'aarch64', platform: 'linux/arm64' }].entries()) {
    const wanted = wantedFor(cargo, { platform: facts.platform ?? '', images: true });
    assert.is(wanted.engine?.archive.digest, engine?.archives[i]?.digest, facts.platform);
    assert.is(wanted.compose?.binary.digest, compose?.binaries[i]?.digest);
    assert.equal(
      wanted.files.map(({ path, blob }) => [path, blob.digest]),
      [
        ['/etc/motd', bundle.manifest.files[0]?.digest],
        ['/usr/local/bin/crictl', compose?.binaries[i]?.digest],
      ],
    );
    assert.ok((wanted.engine?.units(facts.systemd ?? 0).length ?? 0) > 1);
    assert.ok(wanted.images);
    const images = await imagesFor(wanted.images, { platform: wanted.platform });
    assert.ok(images.every(({ image }) => image.platform.architecture === facts.platform?.slice(6)));
    const empty = { kind: 'classic', major: 20, chains: new Set<never>(), names: new Map() } as const;
    const loads = await planLoads(wanted.images, empty, { platform: wanted.platform });
    assert.equal(
      loads.flatMap(({ names }) => names).sort(),
      facts.platform === 'linux/arm64' ? [APP] : [APP, 'tool:2'],
    );
  }
  await refused(
    () => wantedFor(cargo, { platform: 'linux/s390x', images: true }),
    'PLATFORM_MISMATCH',
    'the host is linux/s390x, the bundle carries engine 20.10.24 for linux/amd64, linux/arm64',
  );
  bundle.close();
});

test('its images get new names where they are, and what is about them stays found', async () => {
  const path = writeTo(dir, 'retagged.tar', readFileSync(GOLDEN));
  await retagBundle(path, { rules: [parseRetagRule('hub.company.com/*=intranet.site/*')] });
  const report = await verifyBundle({ path, trustedKeys: [], meter: new Meter() });
  assert.equal(report.problems, []);
  const { indexes } = await inspectBundle({ path });
  assert.equal(
    indexes.map(({ names, referrers }) => [names, referrers.length]),
    [[['intranet.site/site/app:1.0'], 1]],
  );
});

test('a bundle that is cut is as it was released, says what it leaves out, and is whole with its base', async () => {
  const base = join(dir, 'base.tar');
  const again = join(dir, 'delta-again.tar');
  assert.is(await makeDelta(again, await makeBase(base)), DELTA_DIGEST);
  assert.ok(readFileSync(again).equals(readFileSync(GOLDEN_DELTA)));
  const alone = await verifyBundle({ path: GOLDEN_DELTA, trustedKeys: [], meter: new Meter() });
  assert.equal(alone.problems, []);
  assert.is(alone.leftOut?.checked, 0);
  const { leftOut, images } = await inspectBundle({ path: GOLDEN_DELTA });
  assert.is(leftOut?.blobs, 1);
  assert.equal(
    images.map(({ names, layers }) => [names[0], layers.map(({ absent }) => absent)]),
    [['large:1', [true]]],
  );
  const entries: CheckedEntry[] = [];
  const whole = await verifyBundle({
    path: GOLDEN_DELTA,
    trustedKeys: [],
    from: { bases: [base] },
    onChecked: entry => entries.push(entry),
    meter: new Meter(),
  });
  assert.equal(whole.problems, []);
  assert.is(whole.leftOut?.checked, 1);
  assert.ok(entries.every(({ result }) => result === 'sound'));
  assert.is(entries.filter(({ offset }) => offset === undefined).length, 1, 'it lies in the base');
});

test('parts are as they were released, read in place, and any one that is lost is made anew', async () => {
  const base = join(dir, 'base-of-parts.tar');
  await makeBase(base);
  const again = join(dir, 'parts-again');
  await makeParts(again, base);
  const names = readdirSync(GOLDEN_PARTS).sort();
  assert.equal(names, ['base.tar.001', 'base.tar.002', 'base.tar.parity']);
  const golden = (name: string): Buffer => readFileSync(join(GOLDEN_PARTS, name));
  for (const name of names) assert.ok(readFileSync(join(again, name)).equals(golden(name)), name);
  const path = join(GOLDEN_PARTS, 'base.tar.001');
  const report = await verifyBundle({ path, trustedKeys: [], meter: new Meter() });
  assert.equal(report.problems, []);
  const { images } = await inspectBundle({ path });
  assert.equal(
    images.map(({ names }) => names),
    [['large:1']],
  );
  for (const lost of names) {
    const folder = join(dir, `without-${lost}`);
    cpSync(GOLDEN_PARTS, folder, { recursive: true });
    rmSync(join(folder, lost));
    await repairBundle({ path: join(folder, names.find(name => name !== lost) ?? ''), meter: new Meter() });
    assert.ok(readFileSync(join(folder, lost)).equals(golden(lost)), lost);
  }
});

test('a receipt is as it was released; a newer minor format is read, another major refused with a clear word', async () => {
  const bytes = readFileSync(GOLDEN_RECEIPT);
  assert.ok(Buffer.from(makeReceipt()).equals(bytes));
  const { places, blobs, layers } = readReceipt(GOLDEN_RECEIPT);
  assert.equal(places, ['docker://hub.company.com', 'host h1']);
  assert.equal([...blobs.values()].sort(), [1234, 7, undefined]);
  assert.is(layers.size, 1);
  const changed = (from: string, to: string): Uint8Array => Buffer.from(bytes.toString().replace(from, to));
  const newer = parseReceipt(changed('"1.0",', '"1.9","sites":["north"],'), 'far.json');
  assert.equal([newer.places, newer.blobs.size], [places, 3]);
  for (const [from, to] of [
    ['"1.0"', '"2.0"'],
    ['receipt.v1+json', 'receipt.v2+json'],
  ] as const) {
    const why = 'far.json is a receipt of a format that this airferry does not know';
    const error = await refused(() => parseReceipt(changed(from, to), 'far.json'), 'RECEIPT_INVALID', why);
    assert.match(error.suggestions.join(), 'a newer airferry');
  }
});

test.run();
