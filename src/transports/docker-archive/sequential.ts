/** An archive that is compressed as a whole, read from front to back. */
import type { Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import { decompress } from '../../support/compress.ts';
import type { ReadableFile } from '../../support/file.ts';
import type { Meter } from '../../support/meter.ts';
import type { Bytes, SequentialSource, SourceLayer } from '../source.ts';
import { passingLayers } from './passing.ts';
import { Seen } from './seen.ts';

/** The images of a gzip- or zstd-compressed docker-archive or OCI archive. The meter counts bytes of the file. */
export function sequentialSource(
  file: ReadableFile,
  compression: 'gzip' | 'zstd',
  options: { meter: Meter; fallbackName?: Reference },
): SequentialSource {
  const seen = new Seen(file.path, options.fallbackName);
  let complete = false;

  async function* plain(bytes: Bytes): Bytes & AsyncGenerator<Uint8Array> {
    try {
      yield* decompress(bytes, compression, file.path);
    } catch (error) {
      throw error instanceof AirferryError ? error.at({ file: file.path }) : error;
    }
  }

  async function* layers(): AsyncGenerator<SourceLayer> {
    const bytes = plain(options.meter.count(file.stream(), { reached: 0 }));
    yield* passingLayers(bytes, { path: file.path, open: () => plain(file.stream()), seen });
    complete = true;
  }

  return {
    description: `docker-archive:${file.path}`,
    access: 'sequential',
    bytes: file.size,
    whole: () => file.stream(),
    get complete() {
      return complete;
    },
    layers,
    inventory: () => seen.inventory(),
    close: async () => file.close(),
  };
}
