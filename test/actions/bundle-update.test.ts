import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { updateBundle } from '../../src/actions/bundle-update.ts';
import { listCache, pruneCacheFolder } from '../../src/actions/cache.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { Meter } from '../../src/support/meter.ts';
import { create } from '../bundle/rig.ts';
import { elf, tgz } from '../engine/archives.ts';
import { refusal } from '../engine/expect.ts';
import { imageOf, layerOf, layoutOf, type TestImage } from '../support/archives.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { startPublisher } from '../support/publisher.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { hold } from '../transports/registry-content.ts';

const test = suite('actions/bundle-update');
const [one, two] = (await Promise.all(
  ['1', '2'].map(async text => imageOf([], [await layerOf('f', text)], { platform: 'linux/amd64' })),
)) as [TestImage, TestImage];
const CRICTL =
  'https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.31.1/crictl-v1.31.1-linux-amd64.tar.gz';

function onSite(
  body: (site: {
    dir: string;
    cache: string;
    reg: string;
    move(): void;
    replaceCrictl(): Promise<void>;
    update(names?: string[], dryRun?: boolean): ReturnType<typeof updateBundle>;
    make(locked?: boolean): ReturnType<typeof create>;
    lock(): string;
  }) => Promise<void>,
) {
  return async () => {
    const [registry, publisher] = [await startFakeRegistry(), await startPublisher()];
    const dir = scratch();
    const cache = join(dir, 'cache');
    const reg = registry.address;
    const path = new URL(CRICTL).pathname;
    const put = async (size: number): Promise<void> => {
      publisher.files.set(path, await tgz([{ name: 'crictl', content: elf('linux/amd64', size) }]));
    };
    hold(registry, 'site/app', layoutOf([one]), '1');
    hold(registry, 'site/tool', layoutOf([one]), '1');
    await put(2000);
    const text = `name: a\nversion: "1"\nregistries: { "${reg}": { plain-http: true } }\nmirrors: { github.com: "${publisher.origin}" }\ntools: { crictl: { version: 1.31.1 } }\nimages:\n  - ${reg}/site/app:1\n  - ${reg}/site/tool:1\n`;
    const fetch = { cache, env: {} };
    try {
      await body({
        dir,
        cache,
        reg,
        move: () => {
          hold(registry, 'site/app', layoutOf([two]), '1');
          hold(registry, 'site/tool', layoutOf([two]), '1');
        },
        replaceCrictl: () => put(2500),
        update: (names, dryRun = false) =>
          updateBundle({
            recipe: parseRecipe(text, { file: join(dir, 'bundle.yaml') }),
            ...(names && { names }),
            dryRun,
            fetch,
            meter: new Meter(),
          }),
        make: (locked = false) => create(dir, text, { fetch: { ...fetch, locked } }),
        lock: () => readFileSync(join(dir, 'bundle.lock.yaml'), 'utf8'),
      });
    } finally {
      await registry.close();
      await publisher.close();
    }
  };
}

test(
  'without a lock everything is pinned, so that a bundle can be created from it alone',
  onSite(async ({ update, make, dir }) => {
    const dry = await update(undefined, true);
    assert.equal([dry.unpinned, dry.dryRun], [[CRICTL], true]);
    assert.not(existsSync(join(dir, 'bundle.lock.yaml')));
    const { changes, unchanged, unpinned, warnings } = await update();
    assert.equal(
      changes.map(({ kind, from }) => [kind, from]),
      [
        ['downloads', undefined],
        ['images', undefined],
        ['images', undefined],
        ['referrers', undefined],
      ],
    );
    assert.equal([unchanged, unpinned], [0, []]);
    assert.match(warnings.join(), /could not be checked/);
    assert.equal((await make(true)).pinned, []);
  }),
);

test(
  'tags that moved move the lock; versions stay, and nothing moves twice',
  onSite(async ({ update, move, make, reg, replaceCrictl, lock }) => {
    await make();
    const before = lock();
    move();
    await replaceCrictl();
    await make(true);
    assert.is(lock(), before);
    const dry = await update([], true);
    assert.is(lock(), before);
    const { changes } = await update();
    assert.equal(dry.changes, changes);
    assert.equal(
      changes.filter(({ kind }) => kind === 'images').map(({ name }) => name),
      [`${reg}/site/app:1`, `${reg}/site/tool:1`],
    );
    assert.not(changes.some(({ kind }) => kind === 'downloads'));
    assert.equal((await update()).changes, []);
    await make(true);
  }),
);

test(
  'names choose what moves: an image with or without its tag, a component, a file',
  onSite(async ({ update, move, make, reg, replaceCrictl }) => {
    await make();
    move();
    const { changes } = await update([`${reg}/site/app`]);
    assert.equal(
      changes.filter(({ kind }) => kind === 'images').map(({ name }) => name),
      [`${reg}/site/app:1`],
    );
    await replaceCrictl();
    const moved = await update(['crictl']);
    assert.equal(
      moved.changes.map(({ name }) => name),
      [CRICTL],
    );
    const error = await refusal(() => update([`${reg}/site/ap:1`]), 'USAGE', /fetches nothing called/);
    assert.match(error.suggestions.join(' '), `Did you mean ${reg}/site/app:1?`);
  }),
);

test(
  'the cache is listed, and pruned by age, by size, or as a whole',
  onSite(async ({ make, cache }) => {
    await make();
    const { entries, size, folder } = await listCache(cache);
    assert.is(folder, cache);
    assert.is(
      size,
      entries.reduce((sum, entry) => sum + entry.size, 0),
    );
    const file = entries.find(({ url }) => url?.endsWith('crictl-v1.31.1-linux-amd64.tar.gz'));
    assert.is(file?.kind, 'blob');
    assert.is((await pruneCacheFolder({ folder: cache, olderThan: 60_000 })).removed.length, 0);
    const dry = await pruneCacheFolder({ folder: cache, dryRun: true });
    assert.equal([dry.removed.length, dry.left.entries], [entries.length, 0]);
    assert.is((await listCache(cache)).entries.length, entries.length);
    const kept = await pruneCacheFolder({ folder: cache, keep: size - 1 });
    assert.ok(kept.removed.length >= 1 && kept.left.size < size);
    assert.is((await pruneCacheFolder({ folder: cache })).left.entries, 0);
    assert.equal((await listCache(cache)).entries, []);
    await make(true);
    assert.is((await listCache(join(cache, 'none'))).entries.length, 0);
  }),
);

test.run();
