/** What the tests of engines as sources and targets share: engines in memory, and our side of them. */
import type { Digest } from '../../../src/content/digest.ts';
import type { Reference } from '../../../src/content/reference.ts';
import type { EngineApi } from '../../../src/engine/api/client.ts';
import { Meter } from '../../../src/support/meter.ts';
import { openEngine } from '../../../src/transports/docker-daemon/dial.ts';
import { type EngineLoadReport, loadIntoEngine } from '../../../src/transports/docker-daemon/load.ts';
import { type EngineSource, engineSource } from '../../../src/transports/docker-daemon/source.ts';
import type { ImageSource } from '../../../src/transports/source.ts';
import type { TestImage } from '../../support/archives.ts';
import { type Dialect, type FakeEngine, fakeEngine } from '../../support/fake-engine.ts';

export interface Rig {
  engine: FakeEngine;
  api: EngineApi;
}

/** Run a test body with engines that have these images, and end them. */
export async function withEngines<T>(
  has: readonly [images: readonly TestImage[], dialect: Dialect][],
  body: (...rigs: Rig[]) => Promise<T>,
): Promise<T> {
  const rigs: Rig[] = [];
  try {
    for (const [images, dialect] of has) {
      const engine = await fakeEngine(images, dialect);
      rigs.push({ engine, api: await openEngine({ address: engine.address }) });
    }
    return await body(...rigs);
  } finally {
    for (const { engine, api } of rigs) {
      await api.close();
      engine.close();
    }
  }
}

export const sourceOf = (
  { api }: Rig,
  selection: { names?: Reference[]; ids?: Digest[] } = {},
  meter = new Meter(),
): Promise<EngineSource> => engineSource(api, selection, { meter });

/** How often an engine was asked to save, and for what. */
export function saves({ engine }: Rig): string[] {
  return engine.seen.filter(({ path }) => path.includes('/images/get')).map(({ path }) => path);
}

export function load(
  { api }: Rig,
  source: ImageSource,
  names = (from: Reference[]): Reference[] => from,
  meter = new Meter(),
): Promise<EngineLoadReport> {
  return loadIntoEngine(api, source, { names, unnamed: false, meter });
}
