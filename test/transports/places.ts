/** Every place that images can be written to and read back from. A new transport is one line in `PLACES`. */
import { join } from 'node:path';
import { openBundleTarget } from '../../src/bundle/target.ts';
import { Meter } from '../../src/support/meter.ts';
import { type CopyOptions, type CopyReport, copyImages } from '../../src/transports/copy.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { openFileTarget } from '../../src/transports/open-target.ts';
import type { ImageSource } from '../../src/transports/source.ts';
import type { OpenedTarget } from '../../src/transports/target.ts';

export interface Place {
  target(): Promise<OpenedTarget>;
  source(): Promise<ImageSource>;
}

/** Each makes a new place in an empty folder. */
export const PLACES: Record<string, (folder: string) => Place> = {
  'docker-archive': folder => file(join(folder, 'docker.tar'), 'docker-archive'),
  oci: folder => file(join(folder, 'layout'), 'oci'),
  'oci-archive': folder => file(join(folder, 'oci.tar'), 'oci-archive'),
  bundle: folder => file(join(folder, 'bundle.tar'), 'bundle'),
};

function file(path: string, transport: 'docker-archive' | 'oci' | 'oci-archive' | 'bundle'): Place {
  const overwrite = true;
  return {
    target: () =>
      transport === 'bundle'
        ? openBundleTarget(path, { overwrite })
        : openFileTarget({ transport, path }, { overwrite }),
    source: () => openImageSource(path),
  };
}

/** Copy all that a source has, names as they are. */
export async function copyAll(
  source: ImageSource,
  place: Place,
  options: Partial<CopyOptions> = {},
): Promise<CopyReport> {
  const opened = await place.target();
  try {
    const report = await copyImages(source, opened.target, {
      names: from => from,
      unnamed: true,
      compression: 'gzip',
      meter: new Meter(),
      ...options,
    });
    await opened.commit();
    return report;
  } catch (error) {
    await opened.discard();
    throw error;
  }
}
