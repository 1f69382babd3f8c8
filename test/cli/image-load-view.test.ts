import * as assert from 'uvu/assert';
import type { ImageLoadHost } from '../../src/actions/host-results.ts';
import { imageLoadView } from '../../src/cli/views/image-load.ts';
import { suite } from '../support/suite.ts';
import { plainLook } from './look.ts';

const test = suite('cli/views/image-load');

const host = (name: string, over: Partial<ImageLoadHost> = {}): ImageLoadHost => ({
  name,
  address: `ops@${name}`,
  outcome: 'changed',
  changes: [{ phase: 'load-images', what: 'pull site/a:1 (1.0 MB)' }],
  findings: [],
  durationMs: 1000,
  runtime: 'podman',
  images: [
    {
      names: ['site/a:1'],
      id: `sha256:${'ab'.repeat(32)}`,
      via: 'pull',
      layers: 3,
      bytes: 1_000_000,
      spared: 9_000_000,
    },
  ],
  ...over,
});

test('hosts to which the same was done share a table of images', () => {
  const other = host('h3', { runtime: 'docker', images: [{ names: ['site/a:1'], via: 'archive' }] });
  const lines = imageLoadView({ hosts: [host('h1'), host('h2'), other], dryRun: false }, plainLook());
  const text = lines.join('\n');
  assert.match(text, 'h1, h2: podman');
  assert.match(text, /site\/a:1\s+abababababab\s+pull\s+1\.00 MB\s+9\.00 MB/);
  assert.match(text, 'h3: docker');
  assert.match(text, 'SENT');
});

test('a dry run says what would be sent; a host without images has no table', () => {
  const idle = host('h2', { outcome: 'unchanged', changes: [], images: [] });
  const text = imageLoadView({ hosts: [host('h1'), idle], dryRun: true }, plainLook()).join('\n');
  assert.match(text, 'WOULD SEND');
  assert.not.match(text, 'h2: podman');
});

test.run();
