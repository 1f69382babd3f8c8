import * as assert from 'uvu/assert';
import { inspectImages } from '../../src/actions/image-inspect.ts';
import { listImages } from '../../src/actions/image-list.ts';
import { imageReport } from '../../src/cli/views/image-inspect.ts';
import { imageListView } from '../../src/cli/views/images.ts';
import { Meter } from '../../src/support/meter.ts';
import { GOLDEN } from '../bundle/golden/make.ts';
import { plainLook } from '../cli/look.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/image-referrers');
const options = { source: { transport: 'path', path: GOLDEN }, meter: new Meter() } as const;

test('what is about an image is listed by what it is, not by the tag of another', async () => {
  const list = await listImages(options);
  assert.equal(
    list.images.flatMap(({ kind, title, about }) => (kind ? [[kind, title, about]] : [])),
    [
      ['attestation', 'SLSA provenance', 'hub.company.com/site/app:1.0'],
      ['sbom', 'SPDX SBOM', 'hub.company.com/site/app:1.0'],
      ['signature', 'Notation signature', undefined],
    ],
  );
  const text = imageListView(list, { ...plainLook(), columns: Number.POSITIVE_INFINITY }).join('\n');
  assert.match(text, /^SPDX SBOM of hub\.company\.com\/site\/app:1\.0 /m);
  assert.match(text, /^Notation signature /m);
});

test('what is about an image is inspected with its kind', async () => {
  const inspected = await inspectImages(options);
  const attestation = inspected.images.find(({ title }) => title === 'SLSA provenance');
  assert.is(attestation?.kind, 'attestation');
  const text = imageReport(inspected, plainLook()).join('\n');
  assert.match(text, /kind +SLSA provenance\n +type +application\/vnd\.in-toto\+json/);
});

test.run();
