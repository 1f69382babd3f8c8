import * as assert from 'uvu/assert';
import { digestOf, hexOf } from '../../src/content/digest.ts';
import { failure } from '../registry/rig.ts';
import {
  dockerArchive20,
  dockerArchive20Files,
  gzipped,
  layerOf,
  noise,
  siteImages,
  tarOf,
  zstandard,
} from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { copy } from './copying.ts';
import { everyDialect, fileOf } from './rig.ts';
import { StrictTarget } from './strict-target.ts';

const test = suite('transports/copy, failures');
const images = await siteImages();
const [, tool] = images;
const SCOPES = ['repository', 'whole'] as const;
const dialects = await everyDialect(images);

test('a layer that is not the one which the config counts is refused from every form, and no manifest is written', async () => {
  const files = dockerArchive20Files([tool]);
  const path = [...files.keys()].find(name => name.endsWith('layer.tar')) as string;
  const other = await layerOf('etc/base', noise(5000, 9));
  for (const content of [other, gzipped(other), zstandard(other)]) {
    const bytes = await tarOf(files.set(path, content));
    for (const archive of [fileOf(bytes), fileOf(gzipped(bytes)), fileOf(zstandard(bytes))])
      for (const scope of SCOPES) {
        const target = new StrictTarget({ scope });
        const error = await failure(copy(archive, target), 'DIGEST_MISMATCH');
        assert.match(error.message, `the layer ${path} has the diffID ${digestOf(other)}`);
        assert.match(error.message, hexOf(tool.diffIds[0] as `sha256:${string}`));
        assert.match(error.suggestions.join(), 'save the image again');
        assert.is(target.manifests.size, 0);
      }
  }
});

test('an archive that is cut short leaves no manifest at the target', async () => {
  const bytes = await dockerArchive20(images);
  for (const compress of [gzipped, zstandard])
    for (const scope of SCOPES) {
      const target = new StrictTarget({ scope });
      const path = fileOf(compress(bytes).subarray(0, -500));
      await failure(copy(path, target, { unnamed: true }), 'ARCHIVE_TRUNCATED');
      assert.is(target.manifests.size, 0);
    }
});

test('an abort stops a copy before the next blob, and no manifest is written', async () => {
  for (const [dialect, path] of dialects)
    for (const scope of SCOPES) {
      const stop = new AbortController();
      let taken = 0;
      const onBlob = (): void => {
        taken++;
        if (taken === 2) stop.abort(new Error('stopped by hand'));
      };
      const target = new StrictTarget({ scope, concurrency: 1, onBlob });
      const reason = await copy(path, target, { signal: stop.signal, unnamed: true }).catch(error => error);
      assert.is(reason.message, 'stopped by hand', dialect);
      assert.is(taken, 2, dialect);
      assert.is(target.manifests.size, 0, dialect);
    }
});

test.run();
