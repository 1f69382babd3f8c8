import { execFileSync } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { inspectEngineArchive } from '../../src/engine/archive.ts';
import { checkEngineArchive, type EngineArchive } from '../../src/engine/archive-contents.ts';
import { ARCHIVE_LIMITS } from '../../src/engine/archive-member.ts';
import { AirferryError, isAirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';
import { BINARIES, elf, engineMembers, type Member, stream, tar, tgz } from './archives.ts';
import { refusal, rubbish } from './expect.ts';

const test = suite('engine/archive');
const name = 'docker-20.10.24.tgz';
const whole = BINARIES['20.10.24'] ?? [];
const inspect = (bytes: Uint8Array, chunk?: number): Promise<EngineArchive> =>
  inspectEngineArchive(stream(bytes, chunk), { name });
const withMember = (member: Member): Promise<Buffer> => tgz([...engineMembers(whole), member]);

test('the archive of every engine is read, and fits its own version', async () => {
  for (const [version, names] of Object.entries(BINARIES)) {
    for (const platform of ['linux/amd64', 'linux/arm64', 'linux/s390x']) {
      const found = await inspect(await tgz(engineMembers(names, platform)));
      assert.is(found.platform, platform);
      assert.equal(
        found.components.map(component => component.name),
        names,
      );
      assert.equal(found.components[0], { name: 'docker', size: 2000, mode: 0o755 });
      const file = `docker-${version}.tgz`;
      assert.equal(checkEngineArchive({ ...found, name: file }, { version, platform }), []);
    }
  }
});

test('the engines that it can be are told', async () => {
  const range = async (version: string): Promise<unknown> =>
    (await inspect(await tgz(engineMembers(BINARIES[version] ?? [])))).versions;
  assert.equal(await range('18.06.3-ce'), { from: '18.03', until: '18.09' });
  assert.equal(await range('19.03.15'), { from: '18.09', until: '23' });
  assert.equal(await range('29.0.1'), { from: '23' });
});

test('an archive that GNU tar wrote, plain or compressed, is read alike', async () => {
  const bytes = await tar(engineMembers(whole));
  const found = await inspect(bytes);
  assert.equal(found, await inspect(gzipSync(bytes)));
  const listed = execFileSync('tar', ['-tf', '-'], { input: bytes, encoding: 'utf8' });
  assert.is(listed.trim().split('\n').length, whole.length + 1);
});

test('the size of the chunks does not matter', async () => {
  const bytes = await tgz(engineMembers(whole, 'linux/arm64', 70_001));
  for (const chunk of [1, 7, 511, 512, 513, 1 << 20])
    assert.is((await inspect(bytes, chunk)).components.length, whole.length);
});

test('the source is read to its end, beyond the end of the archive', async () => {
  for (const bytes of [
    await tgz([...engineMembers(whole), { name: 'docker/noise', content: rubbish(1, 50_000) }]),
    Buffer.concat([await tar(engineMembers(whole)), Buffer.alloc(600 * 512)]),
  ]) {
    let read = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of stream(bytes)) {
        yield chunk;
        read += chunk.length;
      }
    }
    await inspectEngineArchive(counted(), { name });
    assert.is(read, bytes.length);
  }
});

test('several gzip members one after another are one archive', async () => {
  const bytes = await tar(engineMembers(whole));
  const found = await inspect(
    Buffer.concat([gzipSync(bytes.subarray(0, 3000)), gzipSync(bytes.subarray(3000))]),
  );
  assert.is(found.components.length, whole.length);
});

test('something else after the end is refused, for tar on a host would fail on it', async () => {
  const bytes = await tgz(engineMembers(whole));
  for (const size of [5, 700, 100_000])
    await refusal(() => inspect(Buffer.concat([bytes, Buffer.alloc(size, 'x')])), 'ARCHIVE_INVALID');
  const padded = Buffer.concat([bytes, Buffer.alloc(10), Buffer.alloc(500, 'x')]);
  await refusal(() => inspect(padded), 'ARCHIVE_INVALID', /has something else after its end/);
});

test('an archive cut short anywhere is said to end too early', async () => {
  const bytes = await tgz(engineMembers(whole));
  for (const at of [2, 17, bytes.length >> 1, bytes.length - 9, bytes.length - 1])
    await refusal(() => inspect(bytes.subarray(0, at)), 'ARCHIVE_TRUNCATED', `${name} ends too early`);
  const plain = await tar(engineMembers(whole));
  for (const at of [700, 3000]) await refusal(() => inspect(plain.subarray(0, at)), 'ARCHIVE_TRUNCATED');
  await refusal(() => inspect(Buffer.alloc(0)), 'ARCHIVE_TRUNCATED', `${name} is empty`);
});

test('a flipped byte is noticed wherever it changes what is unpacked', async () => {
  const bytes = await tgz(engineMembers(whole));
  const unpacked = gunzipSync(bytes);
  for (let at = 10; at < bytes.length; at += 3) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 0x20;
    if (unpacks(flipped, unpacked)) continue;
    // A flip may also end the compressed stream early.
    const error = await inspect(flipped).then(
      () => undefined,
      refused => refused,
    );
    assert.ok(isAirferryError(error, 'ARCHIVE_INVALID', 'ARCHIVE_TRUNCATED'), `byte ${at}: ${error}`);
  }
});

/** The bits that fill up the last byte of a gzip stream mean nothing. */
function unpacks(bytes: Buffer, expected: Buffer): boolean {
  try {
    return gunzipSync(bytes).equals(expected);
  } catch {
    return false;
  }
}

test('a header that lies about its checksum is damage', async () => {
  const bytes = await tar(engineMembers(whole));
  bytes[512 + 3] = 0x41;
  await refusal(() => inspect(bytes), 'ARCHIVE_INVALID', /damaged/);
});

test('what was saved in place of the archive is named', async () => {
  for (const [bytes, message] of [
    [Buffer.from('<!DOCTYPE html><html><title>Login</title>'), /is a web page, not the engine/],
    [Buffer.from('\n\n<html>'), /is a web page/],
    [Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code>'), /is a web page/],
    [Buffer.from('{"message":"not found"}'), /is a JSON document/],
    [Buffer.from('PK\u0003\u0004rest of it'), /is a zip archive/],
    [Buffer.from('!<arch>\ndebian-binary'), /is a Debian package/],
    [elf('linux/amd64'), /is an ELF binary/],
    [Buffer.alloc(4096), /nothing but zero bytes/],
    [Buffer.from('hello'), /is not an archive/],
  ] as const)
    await refusal(() => inspect(bytes), 'ARCHIVE_INVALID', message);
});

test('hostile members are refused by name', async () => {
  const content = elf('linux/amd64');
  for (const [member, message] of [
    [{ name: '/etc/passwd', content }, /"\/etc\/passwd" is an absolute path/],
    [{ name: 'C:/docker/dockerd', content }, /is an absolute path/],
    [{ name: 'docker/../../etc/cron.d/x', content }, /climbs out/],
    [{ name: 'docker/..', type: 'directory' }, /climbs out/],
    [{ name: 'docker/a\\..\\b', content }, /backslashes/],
    [{ name: 'docker/a\u001b[2Jb', content }, /control characters/],
    [
      { name: 'docker/link', type: 'symlink', linkname: '/etc/shadow' },
      /"docker\/link" is a symbolic link to "\/etc\/shadow"/,
    ],
    [{ name: 'docker/link', type: 'link', linkname: 'docker/runc' }, /is a hard link/],
    [{ name: 'docker/null', type: 'character-device' }, /"docker\/null" is no plain file/],
    [{ name: 'docker/sda', type: 'block-device' }, /no plain file/],
    [{ name: 'docker/pipe', type: 'fifo' }, /no plain file/],
    [{ name: 'docker/ctr2', content, mode: 0o4755 }, /setuid or setgid \(mode 4755\)/],
    [{ name: 'etc/docker', content }, /"etc\/docker" lies outside of docker\//],
    [{ name: './docker/x', content }, /lies outside of docker\//],
    [{ name: 'docker/sub/x', content }, /lies outside of docker\//],
    [{ name: 'docker/sub/', type: 'directory' }, /lies outside of docker\//],
    [{ name: `docker/${'a'.repeat(300)}`, content }, /has a name of 307 bytes/],
    [{ name: 'docker/runc', content }, /holds docker\/runc twice/],
    [{ name: 'docker/sparse', content, pax: { 'GNU.sparse.major': '1' } }, /sparse/],
    [{ name: 'docker/huge', pax: { size: String(2 ** 40) } }, /states a size of 1\.10 TB/],
    [{ name: 'docker/odd', pax: { size: '99999999999999999999' } }, /a size of "9{20}" bytes/],
  ] as [Member, RegExp][]) {
    const error = await refusal(async () => inspect(await withMember(member)), 'ARCHIVE_INVALID', message);
    assert.is(error.where.file, name);
    assert.not.match(error.message, '\u001b');
  }
});

test('a sparse file of the old GNU format is refused', async () => {
  const bytes = await tar([...engineMembers(whole), { name: 'docker/odd', content: elf('linux/amd64') }]);
  const at = bytes.indexOf('docker/odd');
  bytes[at + 156] = 'S'.charCodeAt(0);
  bytes.write('        ', at + 148, 'latin1');
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  await refusal(() => inspect(bytes), 'ARCHIVE_INVALID', /"docker\/odd".* sparse file/);
});

test('too many members are refused, folders counted', async () => {
  const many = Array.from({ length: ARCHIVE_LIMITS.members }, () => ({
    name: 'docker/',
    type: 'directory' as const,
  }));
  await refusal(
    async () => inspect(await tgz([...many, ...engineMembers(whole)])),
    'ARCHIVE_INVALID',
    /more than 64 members/,
  );
});

test(
  'endless data after the end of a compressed archive is stopped',
  async () => {
    const zeros = gzipSync(Buffer.alloc(64 * 2 ** 20));
    const head = await tgz(engineMembers(whole));
    async function* bomb(): AsyncGenerator<Uint8Array> {
      yield head;
      for (;;) yield zeros;
    }
    await refusal(
      () => inspectEngineArchive(bomb(), { name }),
      'ARCHIVE_INVALID',
      /unpacks to more than 1.07 GB/,
    );
  },
  { timeout: 60_000 },
);

test('mixed architectures are refused, naming one of each', async () => {
  const members = engineMembers(whole);
  members.push({ name: 'docker/docker-extra', content: elf('linux/arm64') });
  await refusal(
    async () => inspect(await tgz(members)),
    'ARCHIVE_INVALID',
    /mixes architectures: docker is linux\/amd64, docker-extra is linux\/arm64/,
  );
});

test('pure Go binaries beside those with floating point are one ARM', async () => {
  const members = engineMembers(whole, 'linux/arm');
  members.push({ name: 'docker/docker-extra', content: elf('linux/arm/v7') });
  assert.is((await inspect(await tgz(members))).platform, 'linux/arm/v7');
});

test('what is no whole engine says what it lacks', async () => {
  const error = await refusal(
    async () => inspect(await tgz(engineMembers(whole.filter(n => n !== 'runc')))),
    'ENGINE_INVALID',
    /lacks runc/,
  );
  assert.match(error.suggestions.join(), 'docker-<version>.tgz');
  await refusal(async () => inspect(await tgz(engineMembers([]))), 'ENGINE_INVALID', /no whole engine/);
  await refusal(
    async () =>
      inspect(await tgz([{ name: 'docker-rootless-extras/rootlesskit', content: elf('linux/amd64') }])),
    'ENGINE_INVALID',
    /rootless extras/,
  );
  const mac = [{ name: 'docker/docker', content: Buffer.from([0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1]) }];
  await refusal(
    async () => inspect(await tgz(mac)),
    'ENGINE_INVALID',
    /no engine for Linux: docker is a macOS binary/,
  );
});

test("files that are none of the engine's binaries are told, and not among the components", async () => {
  const found = await inspect(
    await tgz([
      ...engineMembers(whole),
      { name: 'docker/README.md', content: Buffer.from('hi') },
      { name: 'docker/sudo', content: elf('linux/amd64') },
    ]),
  );
  assert.equal(found.extras, ['README.md', 'sudo']);
  assert.is(found.components.length, whole.length);
  const [warning] = checkEngineArchive(found, { version: '20.10.24', platform: 'linux/amd64' });
  assert.match(warning ?? '', /also holds README.md, sudo/);
});

test("another platform than the recipe's is said in one sentence", async () => {
  const found = await inspect(await tgz(engineMembers(whole, 'linux/arm64')));
  const error = await refusal(
    () => checkEngineArchive(found, { version: '20.10.24', platform: 'linux/amd64' }),
    'PLATFORM_MISMATCH',
  );
  assert.is(error.message, 'docker-20.10.24.tgz holds linux/arm64 binaries; the recipe says linux/amd64');
});

test("an engine of another time than the recipe's is refused, and one that may be it is only doubted", async () => {
  const old = await inspect(await tgz(engineMembers(BINARIES['18.06.3-ce'] ?? [])));
  const error = await refusal(
    () => checkEngineArchive(old, { version: '20.10.24', platform: 'linux/amd64' }),
    'ENGINE_INVALID',
    /it lacks containerd, ctr, containerd-shim, containerd-shim-runc-v2, runc/,
  );
  assert.match(error.suggestions.join(), '18.03 or newer, before 18.09');
  const found = await inspect(await tgz(engineMembers(whole)));
  const warnings = checkEngineArchive(found, { version: '20.10.25', platform: 'linux/amd64' });
  assert.equal(warnings, ['docker-20.10.24.tgz is named after engine 20.10.24; the recipe says 20.10.25']);
});

test('an error of the source is passed on as it is', async () => {
  const broken = new AirferryError('DOWNLOAD_FAILED', 'the line went dead');
  for (const after of [0, 700, 100_000]) {
    const bytes = await tgz(engineMembers(whole));
    async function* source(): AsyncGenerator<Uint8Array> {
      yield* stream(bytes.subarray(0, after));
      throw broken;
    }
    await refusal(() => inspectEngineArchive(source(), { name }), 'DOWNLOAD_FAILED', 'the line went dead');
  }
});

test('so is an error of the operating system', async () => {
  const broken = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
  async function* source(): AsyncGenerator<Uint8Array> {
    yield (await tgz(engineMembers(whole))).subarray(0, 200);
    throw broken;
  }
  await inspectEngineArchive(source(), { name }).then(
    () => assert.unreachable(),
    error => assert.is(error, broken),
  );
});

test('the source is closed when the archive is refused', async () => {
  for (const bytes of [
    await withMember({ name: '/etc/passwd' }),
    Buffer.from('no archive at all'.repeat(100)),
  ]) {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield bytes;
      } finally {
        closed = true;
      }
    }
    await refusal(() => inspectEngineArchive(source(), { name }), 'ARCHIVE_INVALID');
    await new Promise(setImmediate);
    assert.ok(closed);
  }
});

test('rubbish in any wrapping is refused like everything else, never a crash', async () => {
  const plain = await tar(engineMembers(whole));
  for (let seed = 1; seed <= 60; seed++) {
    const noise = rubbish(seed, (seed * 37) % 3000);
    const dented = Buffer.from(plain);
    dented.set(rubbish(seed, 40), (seed * 211) % (plain.length - 40));
    for (const bytes of [
      noise,
      Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), noise]),
      gzipSync(noise),
      dented,
      gzipSync(dented),
    ]) {
      try {
        await inspect(bytes, 1 + ((seed * 97) % 1000));
      } catch (error) {
        assert.instance(error, AirferryError, String(error));
        assert.is.not((error as AirferryError).code, 'INTERNAL');
      }
    }
  }
});

test.run();
