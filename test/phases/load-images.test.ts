/** What is asked of an engine before images are loaded into it, and asked again when the load breaks off. */
import * as assert from 'uvu/assert';
import { parseEngineSaid } from '../../src/phases/engine-answer.ts';
import { loadImages } from '../../src/phases/load-images.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { imageOf, layerOf, ociArchive, writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { context, localShell, wanted } from './context.ts';

const test = suite('phases/load-images');
const REPORT = { progress: () => undefined, note: () => undefined };

test('an engine that just said that it has no image is not asked, but is once something may have been loaded', async () => {
  const image = imageOf(['site/a:1'], [await layerOf('a', 'a')]);
  const source = await openImageSource(writeTo(scratch(), 'site.tar', await ociArchive([image])));
  assert.ok(source.access === 'random');
  const asked: string[] = [];
  const lost = new Error('the connection was lost');
  const shell = Object.assign(localShell(), {
    run: async (_: string, { title = '' } = {}) => {
      asked.push(title);
      throw lost;
    },
  });
  const info = JSON.stringify({ ServerVersion: '20.10.24', Images: 0 });
  const host = context({
    shell,
    wanted: wanted({ images: source }),
    said: parseEngineSaid(`info=${info}\ndaemon=\n`),
  });
  try {
    const plan = await loadImages.plan(host, REPORT);
    assert.is(plan?.changes.length, 1);
    assert.equal(asked, []);
    const thrown = await plan?.run(REPORT).catch((error: unknown) => error);
    assert.ok(thrown instanceof Error);
    asked.length = 0;
    const again = await Promise.resolve(loadImages.plan(host, REPORT)).catch((error: unknown) => error);
    assert.is(again, lost);
    assert.equal(asked, ['ask the engine for its images']);
  } finally {
    await source.close();
  }
});

test.run();
