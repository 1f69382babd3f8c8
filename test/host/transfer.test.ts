import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import type { Shell } from '../../src/host/shell.ts';
import { type BlobSource, type UploadOptions, uploadBlob } from '../../src/host/transfer.ts';
import { suite } from '../support/suite.ts';
import { failure, type Site, site } from './site.ts';

const test = suite('host/transfer');

const MiB = 1024 * 1024;
const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
const hex = createHash('sha256').update(content).digest('hex');

/** The blob, noting from where it was read. */
function blob(bytes = content): BlobSource & { opened: number[] } {
  const opened: number[] = [];
  return {
    digest: `sha256:${hex}`,
    size: content.length,
    opened,
    async *open(offset) {
      opened.push(offset);
      for (let at = offset; at < bytes.length; at += 500_000) yield bytes.subarray(at, at + 500_000);
    },
  };
}

/** Comes back once the part has bytes: the command of a lost connection writes on for a moment. */
async function begun(part: string): Promise<void> {
  while (!existsSync(part) || statSync(part).size === 0)
    await new Promise(resolve => setTimeout(resolve, 10));
}

function place(at: Site): { options: UploadOptions; folder: string; path: string; part: string } {
  const blobs = join(at.server.home, 'blobs');
  const folder = join(blobs, 'sha256');
  return { options: { blobs }, folder, path: join(folder, hex), part: join(folder, `${hex}.part`) };
}

test('a blob is sent once; the next time it is hashed and left alone', async () => {
  await using at = await site();
  const { options, folder, path } = place(at);
  const progress: number[] = [];
  const first = blob();
  const sent = await uploadBlob(at.shell, first, {
    ...options,
    onProgress: bytes => void progress.push(bytes),
  });
  assert.equal(sent, { path, sent: content.length });
  assert.ok(readFileSync(path).equals(content));
  assert.equal(readdirSync(folder), [hex]);
  assert.equal([progress[0], progress.at(-1)], [0, content.length]);
  const again = blob();
  assert.equal(await uploadBlob(at.shell, again, options), { path, sent: 0 });
  assert.equal(again.opened, []);
});

test('a connection lost in the middle leaves the part, and the next run goes on from its last byte', async () => {
  await using at = await site();
  const { options, path, part } = place(at);
  at.server.faults.dropAfterStdin = 1_200_000;
  await failure(uploadBlob(at.shell, blob(), options), 'HOST_CONNECTION_LOST');
  at.server.faults = {};
  assert.not.ok(existsSync(path));
  await begun(part);
  const source = blob();
  const progress: number[] = [];
  const again = { ...options, onProgress: (bytes: number) => void progress.push(bytes) };
  const { sent } = await uploadBlob(await at.reconnect(), source, again);
  const held = progress[0] ?? 0;
  assert.ok(held > 0 && held < content.length);
  assert.is(sent, content.length - held);
  assert.equal(source.opened, [held]);
  assert.ok(readFileSync(path).equals(content));
});

test('a command of a lost connection that goes on writing does no harm', async () => {
  await using at = await site();
  const { options, path, part } = place(at);
  at.server.faults.dropAfterStdin = 1_000_000;
  at.server.install(
    'dd',
    '#!/bin/sh\nPATH=/usr/bin:/bin\nif [ -e slow ]; then rm slow; { head -c 300000; sleep 1; cat; } | dd "$@"; else exec dd "$@"; fi\n',
  );
  writeFileSync(join(at.server.home, 'slow'), '');
  await failure(uploadBlob(at.shell, blob(), options), 'HOST_CONNECTION_LOST');
  at.server.faults = {};
  await begun(part);
  await uploadBlob(await at.reconnect(), blob(), options);
  await new Promise(resolve => setTimeout(resolve, 1_200));
  assert.ok(readFileSync(path).equals(content));
});

test('a part with wrong bytes is found out, and the blob is sent anew', async () => {
  await using at = await site();
  const { options, folder, path, part } = place(at);
  mkdirSync(folder, { recursive: true });
  writeFileSync(part, Buffer.alloc(1_000_000, 1));
  const source = blob();
  await uploadBlob(at.shell, source, options);
  assert.equal(source.opened, [1_000_000, 0]);
  assert.ok(readFileSync(path).equals(content));
});

test('a part that is complete is only hashed, one that is too long is begun anew', async () => {
  await using at = await site();
  const { options, folder, path, part } = place(at);
  mkdirSync(folder, { recursive: true });
  writeFileSync(part, content);
  assert.equal(await uploadBlob(at.shell, blob(), options), { path, sent: 0 });
  writeFileSync(path, 'x'.repeat(content.length));
  writeFileSync(part, Buffer.alloc(content.length + 1));
  const source = blob();
  await uploadBlob(at.shell, source, options);
  assert.equal(source.opened, [0]);
  assert.ok(readFileSync(path).equals(content));
});

test('a file of the right size and the wrong content is replaced', async () => {
  await using at = await site();
  const { options, folder, path } = place(at);
  mkdirSync(folder, { recursive: true });
  const flipped = Buffer.from(content);
  flipped[1234] = (flipped[1234] ?? 0) ^ 1;
  writeFileSync(path, flipped);
  await uploadBlob(at.shell, blob(), options);
  assert.ok(readFileSync(path).equals(content));
});

test('a source with the wrong bytes is DIGEST_MISMATCH, and leaves nothing', async () => {
  await using at = await site();
  const { options, folder } = place(at);
  const bad = Buffer.from(content);
  bad[99] = (bad[99] ?? 0) ^ 1;
  const error = await failure(uploadBlob(at.shell, blob(bad), options), 'DIGEST_MISMATCH');
  assert.is(error.where.blob, `sha256:${hex}`);
  assert.equal(readdirSync(folder), []);
});

test('a source that ends early is an error, and its part is kept', async () => {
  await using at = await site();
  const { options, part } = place(at);
  await failure(uploadBlob(at.shell, blob(content.subarray(0, 1_000_000)), options), 'HOST_COMMAND_FAILED');
  assert.is(readFileSync(part).length, 1_000_000);
});

test('too little room is told before a byte is sent, with the path and the bytes', async () => {
  await using at = await site();
  const { options, folder } = place(at);
  at.server.install(
    'df',
    "#!/bin/sh\nprintf 'Filesystem 1024-blocks Used Available Capacity Mounted on\\n/dev/vda1 100 0 1000 1%% /\\n'\n",
  );
  const source = blob();
  const error = await failure(uploadBlob(at.shell, source, options), 'HOST_DISK_FULL');
  assert.match(error.message, folder);
  assert.match(error.message, '3000000 bytes');
  assert.equal(source.opened, []);
});

test('a disk that fills up on the way is told, and given back its space', async () => {
  await using at = await site();
  const { options, folder } = place(at);
  at.server.install(
    'dd',
    "#!/bin/sh\nhead -c 100000\necho 'dd: error writing: No space left on device' >&2\nexit 1\n",
  );
  const error = await failure(uploadBlob(at.shell, blob(), options), 'HOST_DISK_FULL');
  assert.match(error.message, folder);
  assert.equal(readdirSync(folder), []);
});

test('an abort in the middle leaves a part that can be continued', async () => {
  await using at = await site();
  const { options, path } = place(at);
  const abort = new AbortController();
  const aborted = uploadBlob(at.shell, blob(), {
    ...options,
    signal: abort.signal,
    onProgress: bytes => {
      if (bytes >= 1_000_000) abort.abort();
    },
  });
  assert.is(await aborted.catch((error: { code: string }) => error.code), 'INTERRUPTED');
  await uploadBlob(await at.reconnect(), blob(), options);
  assert.ok(readFileSync(path).equals(content));
});

/** A blob of several pieces, to a host whose answers take their time. */
function farBlob(at: Site): {
  source: BlobSource & { opened: number[] };
  bytes: Buffer;
  name: string;
  upload: Shell;
} {
  const bytes = Buffer.alloc(10 * MiB, 'ferry');
  for (let i = 0; i < bytes.length; i += 4096) bytes.writeUInt32LE(i, i);
  const name = createHash('sha256').update(bytes).digest('hex');
  const opened: number[] = [];
  const source = {
    digest: `sha256:${name}`,
    size: bytes.length,
    opened,
    async *open(offset: number) {
      opened.push(offset);
      for (let from = offset; from < bytes.length; from += MiB) yield bytes.subarray(from, from + MiB);
    },
  };
  return { source, bytes, name, upload: farAway(at.shell) };
}

/** A shell that takes its host for far away. */
function farAway(shell: Shell): Shell {
  Object.defineProperty(shell.connection, 'roundTripMs', { value: async () => 50 });
  return shell;
}

test('to a host that is far away a blob goes in pieces, side by side, and is hashed as a whole', async () => {
  await using at = await site();
  const { options, folder } = place(at);
  const { source, bytes, name, upload } = farBlob(at);
  const progress: number[] = [];
  const onProgress = (done: number): void => void progress.push(done);
  assert.is((await uploadBlob(upload, source, { ...options, onProgress })).sent, bytes.length);
  assert.equal(
    source.opened.toSorted((a, b) => a - b),
    [0, 4 * MiB, 8 * MiB],
  );
  assert.equal(readdirSync(folder), [name]);
  assert.ok(readFileSync(join(folder, name)).equals(bytes));
  assert.equal([progress[0], progress.at(-1)], [0, bytes.length]);
  assert.equal(
    progress,
    progress.toSorted((a, b) => a - b),
  );
});

test('pieces that were interrupted are gone on with from where all before are whole', async () => {
  await using at = await site();
  const { options, folder } = place(at);
  const { source, bytes, name } = farBlob(at);
  mkdirSync(folder, { recursive: true });
  // Of the second piece some came, and all of the third.
  const part = Buffer.from(bytes);
  part.fill(0, 5 * MiB, 8 * MiB);
  writeFileSync(join(folder, `${name}.part`), part);
  const ranges = [
    [8, 10],
    [0, 4],
    [4, 5],
    [0, 0],
  ].map(([from = 0, to = 0]) => `${from * MiB} ${to * MiB}\n`);
  writeFileSync(join(folder, `${name}.part.ranges`), `${ranges.join('')}torn li`);
  const { sent } = await uploadBlob(at.shell, source, options);
  assert.is(sent, 5 * MiB);
  assert.equal(source.opened, [5 * MiB]);
  assert.equal(readdirSync(folder), [name]);
  assert.ok(readFileSync(join(folder, name)).equals(bytes));
});

test('a connection lost among pieces is gone on with, and a disk that fills up gets its space back', async () => {
  await using at = await site();
  const { options, folder } = place(at);
  const { source, bytes, name, upload } = farBlob(at);
  at.server.faults.dropAfterStdin = MiB;
  await failure(uploadBlob(upload, source, options), 'HOST_CONNECTION_LOST');
  at.server.faults = {};
  await begun(join(folder, `${name}.part.ranges`));
  await uploadBlob(farAway(await at.reconnect()), source, options);
  assert.equal(readdirSync(folder), [name]);
  assert.ok(readFileSync(join(folder, name)).equals(bytes));
  writeFileSync(join(folder, name), '');
  at.server.install('dd', "#!/bin/sh\nhead -c 1000\necho 'dd: No space left on device' >&2\nexit 1\n");
  await failure(uploadBlob(farAway(await at.reconnect()), source, options), 'HOST_DISK_FULL');
  assert.equal(readdirSync(folder), []);
});

test('a source that is damaged is blamed itself, once the host has found it wrong', async () => {
  await using at = await site();
  const { options, folder } = place(at);
  const bad = Buffer.from(content);
  bad[99] = (bad[99] ?? 0) ^ 1;
  const check = async (): Promise<void> => {
    throw new AirferryError('BUNDLE_CORRUPT', 'the bundle is damaged', {
      where: { host: 'h1' },
      suggestions: ['Carry it over again.'],
    });
  };
  await failure(uploadBlob(at.shell, { ...blob(bad), check }, options), 'BUNDLE_CORRUPT');
  assert.equal(readdirSync(folder), []);
});

test('without openssl a blob is hashed by sha256sum', async () => {
  await using at = await site();
  const { options, path } = place(at);
  at.server.install('openssl', '#!/bin/sh\nexit 1\n');
  await uploadBlob(at.shell, blob(), options);
  assert.ok(readFileSync(path).equals(content));
});

test('a digest that is none never becomes a path', async () => {
  await using at = await site();
  const source = { ...blob(), digest: 'sha256:../../etc/passwd' };
  const error = await uploadBlob(at.shell, source).catch((thrown: { code: string }) => thrown);
  assert.is((error as { code: string }).code, 'DIGEST_INVALID');
  assert.equal(at.server.commands, []);
});

test.run();
