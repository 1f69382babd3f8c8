/** A bundle that leaves something out: what a host lacks of it is told before anything is changed. */
import * as assert from 'uvu/assert';
import { assertAtHand } from '../../src/phases/check-at-hand.ts';
import { stagedPath } from '../../src/phases/stage-engine.ts';
import { refused } from '../bundle/rig.ts';
import { suite } from '../support/suite.ts';
import { context, survey, wanted, wantedEngine } from './context.ts';

const test = suite('phases/check-at-hand');
const had = ['plant-7 2026.10 (sha256:0123456789ab)'];
const engine = wantedEngine();
const absent = { ...engine, archive: { ...engine.archive, absent: had } };
const file = {
  path: '/etc/big',
  mode: '0644',
  blob: { ...engine.archive, digest: `sha256:${'b'.repeat(64)}`, size: 2_000_000, absent: had },
};
const there = (sha256: string) => ({ kind: 'file', mode: '0644', size: 1, sha256 }) as const;

test('nothing is asked of a host when the bundle leaves nothing out', async () => {
  await assertAtHand(context({ wanted: wanted({ engine }) }));
});

test('an engine and a file that are left out, and that the host lacks, are named with who had them', async () => {
  const error = await refused(
    () => assertAtHand(context({ wanted: wanted({ engine: absent, files: [file] }) })),
    'BUNDLE_BASE_MISSING',
    'leaves out 2 blobs',
  );
  assert.match(error.suggestions.join('\n'), /plant-7 2026\.10 .* had all of them/);
  assert.match(error.suggestions.join('\n'), /engine 20\.10\.24, .*; file \/etc\/big, 2\.00 MB/);
});

test('what the host has already is not needed', async () => {
  const paths = {
    [stagedPath(engine.archive)]: there(engine.archive.digest.replace('sha256:', '')),
    [file.path]: there('b'.repeat(64)),
  };
  await assertAtHand(context({ wanted: wanted({ engine: absent, files: [file] }), survey: survey(paths) }));
  const other = { ...paths, [file.path]: there('c'.repeat(64)) };
  await refused(
    () => assertAtHand(context({ wanted: wanted({ engine: absent, files: [file] }), survey: survey(other) })),
    'BUNDLE_BASE_MISSING',
    'leaves out 1 blob of 2.00 MB',
  );
});

test.run();
