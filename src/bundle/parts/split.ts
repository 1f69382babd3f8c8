/** Cutting a bundle that lies there into parts: read once, written once, and every blob hashed on the way. */
import { Digester } from '../../content/digest.ts';
import { AirferryError } from '../../errors.ts';
import type { Meter } from '../../support/meter.ts';
import type { TarEntry } from '../../tar/index.ts';
import { digestAt } from '../../transports/oci/file-store.ts';
import { type PartsOptions, PendingParts, type WrittenPart } from '../../transports/parts/pending.ts';
import type { Bundle } from '../open.ts';

export interface SplitOptions extends PartsOptions {
  /** What the names of the parts have in common. */
  output: string;
  meter: Meter;
  signal?: AbortSignal | undefined;
}

/** Cut a bundle. Throws DIGEST_MISMATCH for one that is damaged, USAGE for too many parts, FILE_UNWRITABLE, DISK_FULL. */
export async function splitBundle(bundle: Bundle, options: SplitOptions): Promise<WrittenPart[]> {
  const { output, meter, signal } = options;
  meter.expect(bundle.file.size);
  const parts = await PendingParts.create(output, options);
  try {
    for await (const chunk of checked(bundle)) {
      signal?.throwIfAborted();
      await parts.append(chunk);
      meter.advance(chunk.length);
    }
    const { name, version } = bundle.head;
    parts.identify({ name, version, digest: bundle.digest });
    await parts.commit();
    return parts.written;
  } catch (error) {
    await parts.discard();
    throw error;
  }
}

/** The bytes of a bundle, each blob checked against the digest in its name. */
async function* checked(bundle: Bundle): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const entry of bundle.entries) {
    const digest = digestAt(entry.name);
    if (digest === undefined) continue;
    yield* bundle.file.stream(at, entry.offset - at);
    const digester = new Digester(digest);
    for await (const chunk of bundle.file.stream(entry.offset, entry.size)) {
      digester.update(chunk);
      yield chunk;
    }
    if (digester.digest() !== digest) throw damaged(bundle, entry);
    at = entry.offset + entry.size;
  }
  yield* bundle.file.stream(at);
}

function damaged(bundle: Bundle, entry: TarEntry): AirferryError {
  return new AirferryError('DIGEST_MISMATCH', `${entry.name} is damaged, so ${bundle.path} was not cut`, {
    where: bundle.file.locate(entry.offset),
    suggestions: [`airferry bundle verify ${bundle.path} tells what else is.`],
  });
}
