import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import { describeLoad, ImageLoader, type LoadedImage } from '../../src/phases/image-loader.ts';
import { podman } from '../../src/phases/runtimes/podman.ts';
import type { Via } from '../../src/phases/runtimes/runtime.ts';
import { planLoads } from '../../src/transports/docker-load.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { failure, type Site, site } from '../host/site.ts';
import { imageOf, layerOf, noise, ociArchive, type TestImage, writeTo } from '../support/archives.ts';
import { FakePodman, type Fault } from '../support/fake-podman.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('phases/image-loader');
const folder = scratch();
const PLATFORM = { os: 'linux', architecture: 'amd64' };

/** Two images over one base; what is on top of it differs. */
const base = await layerOf('base', noise(40_000));
const images: TestImage[] = [
  imageOf(['site/a:1'], [base, await layerOf('a', noise(3_000, 2))]),
  imageOf(['site/b:1', 'site/b:latest'], [base, await layerOf('b', noise(2_000, 3))]),
];
const archive = writeTo(folder, 'site.tar', await ociArchive(images));

interface Place extends Site {
  podman: FakePodman;
}

async function host(...faults: Fault[]): Promise<Place> {
  const one = await site();
  const fake = new FakePodman(one.server, faults);
  return {
    ...one,
    podman: fake,
    async [Symbol.asyncDispose]() {
      await fake[Symbol.asyncDispose]();
      await one[Symbol.asyncDispose]();
    },
  };
}

const namesOn = ({ podman: fake }: Place): string[] => [...fake.names.keys()].sort();

interface Outcome {
  loaded: LoadedImage[];
  planned: string[];
  notes: string[];
  progress: number[];
}

async function load({ shell }: Site, via: Via | 'auto' = 'auto', path = archive): Promise<Outcome> {
  const source = await openImageSource(path);
  const outcome: Outcome = { loaded: [], planned: [], notes: [], progress: [] };
  try {
    if (source.access !== 'random') throw new Error('it is compressed');
    const store = await podman.ask(shell, []);
    const loads = await planLoads(source, store, { platform: PLATFORM });
    const report = { note: (text: string) => void outcome.notes.push(text) };
    const options = { shell, runtime: podman, store, via, source: source.description, report };
    await using loader = new ImageLoader(options);
    const planned = await loader.plan(loads);
    outcome.planned = planned.map(describeLoad);
    for (const one of planned)
      outcome.loaded.push(await loader.load(one, bytes => void outcome.progress.push(bytes)));
    return outcome;
  } finally {
    await source.close();
  }
}

const WHOLE = ['docker.io/site/a:1', 'docker.io/site/b:1', 'docker.io/site/b:latest'];

// Only root is let in by the gate, and here whoever runs the tests pulls.
if (process.getuid?.() !== 0) test.skip('a host pulls', 'the tests do not run as root');
else {
  test('a host pulls what it lacks, under its names alone; the port is given back', async () => {
    await using one = await host();
    const { loaded, planned, notes } = await load(one);
    assert.equal(namesOn(one), WHOLE);
    const [a, b] = loaded;
    assert.ok(a && b);
    assert.equal([a.via, b.via], ['pull', 'pull']);
    assert.is(a.id, images[0]?.id);
    assert.ok((a.bytes ?? 0) > 43_000 && (b.bytes ?? 0) < 4_000, JSON.stringify(loaded));
    assert.is(a.spared, 0);
    assert.ok((b.spared ?? 0) > 40_000);
    assert.match(planned[1] ?? '', /^pull site\/b:1, site\/b:latest \(.*; 1 of 2 layers there already\)$/);
    assert.equal(notes, []);
    assert.equal(one.server.forwardedPorts, []);
    assert.equal((await load(one)).loaded, []);
  });

  test('where pulling fails an archive goes after all, and it is said why', async () => {
    await using one = await host('pull');
    const { loaded, notes } = await load(one);
    assert.equal(namesOn(one), WHOLE);
    assert.equal(
      loaded.map(({ via }) => via),
      ['archive', 'archive'],
    );
    assert.match(
      notes[0] ?? '',
      /podman could not pull it, status 125: Error: pull is broken; it is sent as an archive/,
    );
    await using other = await host('pull');
    await failure(load(other, 'pull'), 'LOAD_FAILED');
  });

  test('a damaged layer is what the error is about, not what podman makes of it', async () => {
    const bytes = await ociArchive(images);
    const at = bytes.indexOf(Buffer.from([0x1f, 0x8b])) + 20_000;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const path = writeTo(folder, 'damaged.tar', bytes);
    await using one = await host();
    const error = await load(one, 'auto', path).catch((thrown: unknown) => thrown);
    assert.ok(isAirferryError(error, 'DIGEST_MISMATCH'), String(error));
    assert.equal(one.server.forwardedPorts, []);
  });

  test('what stands under the name afterwards is held against what was sent', async () => {
    await using one = await host('lie');
    const error = await failure(load(one, 'pull'), 'LOAD_FAILED');
    assert.match(error.message, 'its platform is linux/arm64, not linux/amd64');
  });
}

test('where forwarding is forbidden archives are sent, with the reason', async () => {
  await using one = await host();
  one.server.faults.refuseListen = true;
  one.server.install('sshd', '#!/bin/sh\necho allowtcpforwarding no\n');
  const { loaded, notes } = await load(one);
  assert.equal(namesOn(one), WHOLE);
  assert.equal(
    loaded.map(({ via }) => via),
    ['archive', 'archive'],
  );
  assert.is(notes.length, 1);
  assert.match(notes[0] ?? '', 'its sshd has AllowTcpForwarding no; whole archives are sent instead');
  await using other = forbid(await host());
  const error = await failure(load(other, 'pull'), 'HOST_FORWARDING');
  assert.match(error.suggestions.join('\n'), 'AllowTcpForwarding remote');
});

test('an archive that is asked for needs no port', async () => {
  await using one = await host();
  const { loaded, notes } = await load(one, 'archive');
  assert.equal(namesOn(one), WHOLE);
  assert.ok((loaded[1]?.bytes ?? 0) > 43_000);
  assert.equal(notes, []);
});

test('a runtime that fails is quoted', async () => {
  await using one = await host('load');
  const error = await failure(load(one, 'archive'), 'LOAD_FAILED');
  assert.match(error.message, 'podman ended with status 125: Error: load is broken');
});

function forbid(one: Place): Place {
  one.server.faults.refuseListen = true;
  one.server.install('sshd', '#!/bin/sh\necho allowtcpforwarding local\n');
  return one;
}

test.run();
