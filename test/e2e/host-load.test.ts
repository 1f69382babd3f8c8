/** Images into engines of two ages and both image stores: only what is missing travels, and what arrived is there. */
import * as assert from 'uvu/assert';
import { type Corpus, tinyCorpus } from '../lab/corpus.ts';
import { forgetImages } from '../lab/forget-images.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { suite } from '../support/suite.ts';
import { packSite } from './host-bundles.ts';
import { act, resultOf, type Told } from './host-operator.ts';

const test = suite('image load into hosts', { timeout: 240_000 });
const reason = whyNoLab();
const HOSTS = ['old', 'young', 'containerd'];
let lab: Lab;
let corpus: Corpus;

async function load(source: string, hosts = HOSTS): Promise<Told[]> {
  const answer = await act(lab, { action: 'load', source, hosts });
  for (const host of answer.hosts) assert.not.ok(host.error, `${host.name}: ${host.error?.message}`);
  return answer.hosts;
}

async function forgetAll(): Promise<void> {
  for (const host of lab.hosts) await forgetImages(host);
}

const lines = (host: Told): string[] => host.changes.map(change => change.what);

if (reason !== undefined) test.skip('images are loaded', reason);
else {
  test.before(async () => {
    lab = await Lab.up({
      hosts: [{ name: 'old' }, { name: 'young', suite: 'trixie' }, { name: 'containerd', suite: 'trixie' }],
    });
    corpus = await tinyCorpus();
    await installEngine(lab.host('old'), '20.10.24');
    await installEngine(lab.host('young'), '26.1.5');
    await installEngine(lab.host('containerd'), '26.1.5', { features: { 'containerd-snapshotter': true } });
  });

  test.after(async () => {
    await lab?.down();
  });

  for (const form of ['save20', 'save26', 'ociArchive', 'ociLayout'] as const) {
    test(`${form}: each engine gets what it lacks, runs it, and needs nothing the second time`, async () => {
      await forgetAll();
      for (const host of await load(corpus[form])) {
        assert.is(host.outcome, 'changed', host.name);
        const there = lines(host).filter(line => line.includes('there already'));
        assert.is(there.length, 2, lines(host).join('; '));
        assert.is(
          await lab.host(host.name).sh('docker run --rm site/tiny-a:1.0; docker run --rm site/tiny-b:1.0'),
          'a\nb',
        );
      }
      assert.equal(
        (await load(corpus[form])).map(host => host.outcome),
        ['unchanged', 'unchanged', 'unchanged'],
      );
    });
  }

  test('image IDs are kept by the classic store', async () => {
    await forgetAll();
    await load(corpus.save26, ['old', 'young']);
    for (const name of ['old', 'young']) {
      for (const image of corpus.images)
        assert.is(await lab.host(name).sh(`docker image inspect --format '{{.Id}}' ${image.name}`), image.id);
    }
  });

  for (const form of ['save20Gzip', 'save20Zstd'] as const) {
    test(`${form}, compressed as a whole, is loaded as it is`, async () => {
      await forgetAll();
      for (const host of await load(corpus[form])) {
        assert.is(host.outcome, 'changed', host.name);
        assert.is(await lab.host(host.name).sh('docker run --rm site/tiny-b:1.0'), 'b');
      }
    });
  }

  test('nothing is staged on a host’s disk on the way into its engine, by archive or by pull', async () => {
    await forgetAll();
    const folders = '/tmp /var/tmp /var/lib/airferry /root /home /opt /srv /run /dev/shm';
    // A file of the size of what is looked for shows that the watch is kept: once before the load, once after it.
    const control = (name: string) => `head -c 40000 /dev/zero > /tmp/${name}; n=0
until grep -q ${name} /seen || [ $n -ge 600 ]; do sleep 0.05; n=$((n + 1)); done; grep -q ${name} /seen; rm /tmp/${name}`;
    // A folder that vanishes under `find` makes it fail, and must not end the watch.
    for (const host of lab.hosts)
      await host.sh(`rm -f /seen /watch-ends; touch -d '1 second ago' /watch-begins; : > /seen
(while [ ! -e /watch-ends ]; do
  find ${folders} -newer /watch-begins -type f -size +31k 2>/dev/null || :; sleep 0.01
done >> /seen) >/dev/null 2>&1 &
${control('control-before')}`);
    const loaded = await load(corpus.save26);
    assert.ok(loaded.every(({ images }) => (images ?? []).some(({ bytes = 0 }) => bytes > 500_000)));
    for (const host of lab.hosts) {
      await host.sh(`${control('control-after')}; touch /watch-ends; sleep 0.3`);
      assert.is(
        await host.sh('sort -u /seen'),
        '/tmp/control-after\n/tmp/control-before',
        `${host.name}: only the files of the test itself were written`,
      );
    }
  });

  test('a damaged archive is refused, and nothing of it is tagged', async () => {
    await forgetAll();
    const bundle = await packSite(lab.dir, '20.10.24');
    const answer = await act(lab, { action: 'load', source: bundle, hosts: HOSTS });
    for (const host of answer.hosts) assert.is(host.outcome, 'changed', host.error?.message);
    await forgetAll();
    const { open } = await import('node:fs/promises');
    const { indexTar } = await import('../../src/tar/index.ts');
    const { ReadFile } = await import('../../src/support/file.ts');
    const file = ReadFile.open(bundle);
    const layer = indexTar(file).filter(entry => entry.size > 500_000 && entry.size < 3_000_000)[0];
    file.close();
    assert.ok(layer);
    await using handle = await open(bundle, 'r+');
    await handle.write(Buffer.from('damage'), 0, 6, layer.offset + 400_000);
    const damaged = await act(lab, { action: 'load', source: bundle, hosts: HOSTS });
    for (const { name } of damaged.hosts) {
      assert.is(resultOf(damaged, name).error?.code, 'DIGEST_MISMATCH', name);
      assert.is(await lab.host(name).sh('docker image ls -q | wc -l'), '0');
    }
  });
}

test.run();
