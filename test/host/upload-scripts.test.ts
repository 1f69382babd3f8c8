import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { receiveScript, WRONG_HASH } from '../../src/host/upload-scripts.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/upload-scripts');
const content = Buffer.alloc(3_000_000, 'ferry');
const hex = createHash('sha256').update(content).digest('hex');

/** Run the receiving script over what arrives; `deaf`: nobody hears any more what it says. */
async function receive(
  arriving: Buffer,
  { deaf = false } = {},
): Promise<{ status: number; files: string[]; part: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'airferry-upload-'));
  const script = receiveScript({ folder, hex, size: content.length, sync: true }, 0);
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'pipe'] });
  if (deaf) for (const stream of [child.stdout, child.stderr]) stream.destroy();
  child.stdin.end(arriving);
  const [status] = await once(child, 'close');
  const files = readdirSync(folder);
  const part = files.includes(`${hex}.part`) ? readFileSync(join(folder, `${hex}.part`)).length : 0;
  rmSync(folder, { recursive: true });
  return { status, files, part };
}

test('what arrived whole gets its name', async () => {
  assert.equal(await receive(content), { status: 0, files: [hex], part: 0 });
});

test('what arrived in part stays, also when the connection is gone and its message kills the messenger', async () => {
  for (const deaf of [false, true]) {
    const { status, part } = await receive(content.subarray(0, 2_000_000), { deaf });
    assert.is.not(status, 0);
    assert.is(part, 2_000_000, deaf ? 'connection gone' : 'connection there');
  }
});

test('what arrived damaged is removed', async () => {
  const damaged = Buffer.from(content);
  damaged[5] = 0;
  assert.equal(await receive(damaged), { status: WRONG_HASH, files: [], part: 0 });
});

test.run();
