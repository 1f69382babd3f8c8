/**
 * The engine's static archive (`docker-20.10.24.tgz`): one streaming pass that tells what it holds and for which
 * platform, and refuses whatever is hostile, damaged or not an engine. Nothing is unpacked; memory stays flat.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AirferryError, systemCode } from '../errors.ts';
import { formatBytes } from '../support/format.ts';
import { peek } from '../support/peek.ts';
import { type WalkedEntry, walkTar } from '../tar/walk.ts';
import { type ArchiveMember, describeMembers, type EngineArchive } from './archive-contents.ts';
import { ARCHIVE_LIMITS, memberName } from './archive-member.ts';
import { ELF_HEAD_BYTES } from './elf.ts';
import { describeHead, isGzip, isTar } from './sniff.ts';

const FETCH_AGAIN = 'The copy or download went wrong: fetch it again.';

/**
 * Read an engine archive, gzip-compressed or plain tar, always to the end of `source`, so that a caller may hash the
 * same bytes as they pass. `name` is what messages call it.
 * Throws ARCHIVE_TRUNCATED, ARCHIVE_INVALID (damaged, hostile, no archive) and ENGINE_INVALID (an archive, but not of
 * an engine); errors of `source` itself pass through unchanged.
 */
export async function inspectEngineArchive(
  source: AsyncIterable<Uint8Array>,
  { name }: { name: string },
): Promise<EngineArchive> {
  const { bytes, failure } = watch(source);
  try {
    const { head, whole } = await peek(bytes, 512);
    const gzipped = isGzip(head);
    if (!gzipped && !isTar(head)) throw notAnArchive(name, head);
    return describeMembers(name, await readMembers(whole, gzipped, name));
  } catch (error) {
    throw failure() ?? asArchiveError(error, name);
  } finally {
    // Not awaited: a source that hangs must not keep back what is wrong with the bytes before.
    bytes.return(undefined).catch(() => {});
  }
}

async function readMembers(
  whole: AsyncGenerator<Uint8Array>,
  gzipped: boolean,
  name: string,
): Promise<ArchiveMember[]> {
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of whole) {
      read += chunk.length;
      yield chunk;
    }
  }
  const gunzip = gzipped ? createGunzip() : undefined;
  if (gunzip) pipeline(Readable.from(counted(), { objectMode: false }), gunzip).catch(() => {});
  const found = await collect(walkTar(limited(gunzip ?? counted(), name), name), name);
  // Node's gunzip stops at what is no further gzip member, and says nothing; gzip and tar on a host would fail on it.
  if (gunzip && gunzip.bytesWritten < read) throw invalid(`${name} has something else after its end`, name);
  return found;
}

async function collect(members: AsyncIterable<WalkedEntry>, name: string): Promise<ArchiveMember[]> {
  const found = new Map<string, ArchiveMember>();
  let count = 0;
  for await (const { header, body } of members) {
    if (++count > ARCHIVE_LIMITS.members)
      throw invalid(`${name} was refused: it has more than ${ARCHIVE_LIMITS.members} members`, name);
    const file = memberName(header, name);
    if (file === undefined) continue;
    if (found.has(file)) throw invalid(`${name} was refused: it holds docker/${file} twice`, name);
    const { head } = await peek(body, ELF_HEAD_BYTES);
    found.set(file, { name: file, size: header.size, mode: header.mode, head });
  }
  return [...found.values()];
}

/** Stops a small archive that decompresses without end. */
async function* limited(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > ARCHIVE_LIMITS.totalBytes) {
      const limit = formatBytes(ARCHIVE_LIMITS.totalBytes);
      throw invalid(`${name} was refused: it unpacks to more than ${limit}`, name);
    }
    yield chunk;
  }
}

/** The source, remembering how it failed, so that its own error is not taken for damage to the archive. */
function watch(source: AsyncIterable<Uint8Array>): {
  bytes: AsyncGenerator<Uint8Array>;
  failure: () => unknown;
} {
  let failure: unknown;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  return { bytes: bytes(), failure: () => failure };
}

function notAnArchive(name: string, head: Uint8Array): AirferryError {
  const where = { file: name };
  const what = describeHead(head);
  if (what === 'empty')
    return new AirferryError('ARCHIVE_TRUNCATED', `${name} is empty`, { where, suggestions: [FETCH_AGAIN] });
  const message =
    what === undefined ? `${name} is not an archive` : `${name} is ${what}, not the engine's .tgz`;
  const hint =
    what === 'a web page'
      ? 'A proxy or login page was saved in place of the archive: fetch it again, past the proxy.'
      : 'Use the static archive of the engine: docker-<version>.tgz.';
  return new AirferryError('ARCHIVE_INVALID', message, { where, suggestions: [hint] });
}

function invalid(message: string, name: string, cause?: unknown): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', message, {
    where: { file: name },
    suggestions: [FETCH_AGAIN],
    cause,
  });
}

function asArchiveError(error: unknown, name: string): unknown {
  if (error instanceof AirferryError || !(error instanceof Error)) return error;
  if (systemCode(error) === 'Z_BUF_ERROR' || error.message === 'Unexpected end of data')
    return new AirferryError('ARCHIVE_TRUNCATED', `${name} ends too early`, {
      where: { file: name },
      suggestions: [FETCH_AGAIN],
      cause: error,
    });
  return invalid(`${name} is damaged: ${error.message}`, name, error);
}
