/** The binaries in the engine archives of a bundle, each with its digest: one pass over an archive, nothing is unpacked. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Digest, Digester } from '../../content/digest.ts';
import { ARCHIVE_LIMITS, memberName } from '../../engine/archive-member.ts';
import { isGzip } from '../../engine/sniff.ts';
import { AirferryError } from '../../errors.ts';
import { peek } from '../../support/peek.ts';
import { walkTar } from '../../tar/walk.ts';
import type { Bundle } from '../open.ts';
import type { EngineBinary } from './cyclonedx.ts';

/** By the digest of the archive. Throws ARCHIVE_INVALID, ARCHIVE_TRUNCATED, DIGEST_MISMATCH. */
export async function engineBinaries(
  bundle: Bundle,
  signal?: AbortSignal,
): Promise<Map<Digest, EngineBinary[]>> {
  const found = new Map<Digest, EngineBinary[]>();
  for (const { digest, size, components } of bundle.manifest.engine?.archives ?? []) {
    // A bundle that is cut against another may be without it.
    if (!bundle.carries(digest)) continue;
    const name = `the engine archive of ${bundle.path}`;
    const binaries = await hashMembers(bundle.blob({ digest, size }), name, signal);
    found.set(
      digest,
      binaries.filter(binary => components.includes(binary.name)),
    );
  }
  return found;
}

async function hashMembers(
  archive: AsyncIterable<Uint8Array>,
  name: string,
  signal?: AbortSignal,
): Promise<EngineBinary[]> {
  const { head, whole } = await peek(archive, 512);
  const binaries: EngineBinary[] = [];
  for await (const { header, body } of walkTar(
    limited(isGzip(head) ? gunzipped(whole) : whole, name, signal),
    name,
    ARCHIVE_LIMITS.members,
  )) {
    const file = memberName(header, name);
    if (file === undefined) continue;
    const digester = new Digester();
    for await (const chunk of body) digester.update(chunk);
    binaries.push({ name: file, size: header.size, digest: digester.digest() });
  }
  return binaries;
}

/** Fails as the source does, or as gunzip does. */
async function* gunzipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const filling = pipeline(Readable.from(bytes, { objectMode: false }), gunzip);
  filling.catch(() => undefined);
  yield* gunzip;
  await filling;
}

/** Stops a small archive that decompresses without end. */
async function* limited(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of bytes) {
    signal?.throwIfAborted();
    total += chunk.length;
    if (total > ARCHIVE_LIMITS.totalBytes)
      throw new AirferryError('ARCHIVE_INVALID', `${name} unpacks to more than any engine`);
    yield chunk;
  }
}
