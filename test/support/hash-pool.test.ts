import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import { HashPool } from '../../src/support/hash-pool.ts';
import { noise, writeTo } from './archives.ts';
import { scratch } from './scratch.ts';
import { suite } from './suite.ts';

const test = suite('support/hash-pool', { timeout: 20_000 });
const dir = scratch();
const bytes = noise(5_000_000);
const file = writeTo(dir, 'a', bytes);
const other = writeTo(dir, 'b', bytes.subarray(0, 1000));

test('stretches are hashed side by side, several of them as one, and every byte is counted', async () => {
  await using pool = new HashPool();
  let counted = 0;
  const count = (bytes: number): void => {
    counted += bytes;
  };
  const jobs = Array.from({ length: 20 }, (_, i) => ({ file, offset: i * 1000, length: 3_000_000 + i }));
  const hashes = await Promise.all(
    jobs.map(job => pool.hash({ algorithm: 'sha256', stretches: [job] }, n => count(n))),
  );
  const expected = jobs.map(({ offset, length }) =>
    createHash('sha256')
      .update(bytes.subarray(offset, offset + length))
      .digest('hex'),
  );
  assert.equal(hashes, expected);
  assert.is(
    counted,
    jobs.reduce((sum, { length }) => sum + length, 0),
  );
  const two = [
    { file, offset: 4_999_000, length: 1000 },
    { file: other, offset: 0, length: 1000 },
  ];
  const both = Buffer.concat([bytes.subarray(4_999_000), bytes.subarray(0, 1000)]);
  assert.is(
    await pool.hash({ algorithm: 'sha512', stretches: two }),
    createHash('sha512').update(both).digest('hex'),
  );
});

test('a file that is gone fails its own job, and no other', async () => {
  await using pool = new HashPool();
  const stretch = { offset: 0, length: 1000 };
  const lost = pool.hash({ algorithm: 'sha256', stretches: [{ file: join(dir, 'none'), ...stretch }] });
  const found = pool.hash({ algorithm: 'sha256', stretches: [{ file: other, ...stretch }] });
  assert.ok(isAirferryError(await lost.catch((error: unknown) => error), 'FILE_NOT_FOUND'));
  assert.is((await found).length, 64);
});

test('the end of a pool does not wait for what is under way', async () => {
  const pool = new HashPool();
  const hashing = pool.hash({ algorithm: 'sha256', stretches: [{ file, offset: 0, length: 5_000_000 }] });
  hashing.catch(() => undefined);
  await pool[Symbol.asyncDispose]();
});

test('a process that was started from a script on its command line hashes too', () => {
  const pool = new URL('../../src/support/hash-pool.ts', import.meta.url).href;
  const code = `
    import { HashPool } from '${pool}';
    await using pool = new HashPool();
    console.log(await pool.hash({ algorithm: 'sha256', stretches: [{ file: '${file}', offset: 0, length: 1000 }] }));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  const expected = createHash('sha256').update(bytes.subarray(0, 1000)).digest('hex');
  assert.is(child.stdout.trim(), expected, child.stderr);
});

test.run();
