/** Which parts of a bundle are damaged: the ones that have to be carried again. */

import { ReadFile } from '../../support/file.ts';
import { mapLimit } from '../../support/limit.ts';
import type { Meter } from '../../support/meter.ts';
import { describePart, PART_HEADER } from '../../transports/parts/header.ts';
import type { Part } from '../../transports/parts/joined.ts';
import { LeafDigester } from '../../transports/parts/leaves.ts';

/** Whether a part's bytes are those that it says it has. Throws FILE_UNREADABLE when the disk fails. */
export async function isSoundPart(
  { path, header }: Part,
  { meter, signal }: { meter?: Meter; signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const file = ReadFile.open(path);
  try {
    const digester = new LeafDigester();
    for await (const chunk of file.lend(PART_HEADER, header.size)) {
      signal?.throwIfAborted();
      digester.update(chunk);
      meter?.advance(chunk.length);
    }
    return file.size === PART_HEADER + header.size && digester.digest() === header.digest;
  } finally {
    file.close();
  }
}

/** Those of the parts that are damaged. */
export async function damagedParts(parts: readonly Part[], signal?: AbortSignal): Promise<Part[]> {
  const sound = await mapLimit(parts, 2, part => isSoundPart(part, { signal }));
  return parts.filter((_, i) => !sound[i]);
}

/** What to say of a damaged part. */
export function damagedPartMessage({ path, header }: Part): string {
  return `${path}, ${describePart(header)}, is damaged: it alone has to be carried over again`;
}
