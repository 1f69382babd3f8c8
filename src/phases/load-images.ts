/** Load the host's images into its engine, each with only the layers that the engine lacks. */

import type { EngineAnswer } from '../engine/info.ts';
import { type EngineStore, type ImageLoad, idOf, imagesFor, planLoads } from '../transports/docker-load.ts';
import { askStoreOf, emptyStoreOf } from './engine-store.ts';
import { describeLoad, expectedVia, foretold, ImageLoader } from './image-loader.ts';
import type { HostContext, Phase } from './phase.ts';
import { docker } from './runtimes/docker.ts';

export const loadImages: Phase = {
  name: 'load-images',
  async plan(context) {
    const { wanted, survey, state } = context;
    if (!wanted.images) return undefined;
    const settled = survey.engine !== undefined && !state.pending?.length;
    if (settled && survey.engine && (await allThere(context, survey.engine, survey.images))) return undefined;
    const engineRuns = context.dryRun ? survey.engine !== undefined : true;
    const store = engineRuns ? await askStoreOf(context.shell, context.said?.engine) : storeToCome(context);
    const loads = await planLoads(wanted.images, store, { platform: wanted.platform });
    if (loads.length === 0) return undefined;
    return {
      changes: loads.map(load => describeLoad({ load, via: expectedVia(load, store) })),
      async run(report) {
        // Should the connection be lost, what is there by then must be asked for.
        context.said = undefined;
        const source = wanted.images?.description ?? '';
        await using loader = new ImageLoader({
          ...context,
          runtime: docker,
          store,
          via: 'auto',
          source,
          report,
        });
        const planned = await loader.plan(loads);
        const total = planned.reduce((sum, one) => sum + foretold(one).bytes, 0);
        let done = 0;
        for (const one of planned) {
          await loader.load(one, bytes => report.progress(Math.min(done + bytes, total), total));
          done += foretold(one).bytes;
          remember(context, one.load);
        }
      },
    };
  },
};

async function allThere(
  { wanted }: HostContext,
  engine: EngineAnswer,
  images: ReadonlyMap<string, string>,
): Promise<boolean> {
  if (!wanted.images) return false;
  const kind = engine.containerdStore ? 'containerd' : 'classic';
  const all = await imagesFor(wanted.images, { platform: wanted.platform });
  return all.every(({ image, names }) => {
    const id = idOf(image, kind);
    return id !== undefined && names.every(name => images.get(name) === id);
  });
}

/** Before the first start there is nothing to ask; what an earlier engine left in its data root comes to light then. */
function storeToCome({ wanted }: HostContext): EngineStore {
  return emptyStoreOf({ version: wanted.engine?.version ?? '', containerdStore: false });
}

function remember(context: HostContext, { names, id, image }: ImageLoad): void {
  const loadedAt = new Date().toISOString();
  const digest = id ?? image.config.descriptor.digest;
  const others = context.state.images.filter(known => !names.includes(known.name));
  context.state = {
    ...context.state,
    images: [...others, ...names.map(name => ({ name, id: digest, loadedAt }))],
  };
}
