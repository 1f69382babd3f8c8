/** Load the host's images into its engine, each with only the layers that the engine lacks. */
import { type EngineStore, type ImageLoad, idOf, imagesFor, planLoads } from '../transports/docker-load.ts';
import { describeLoad, loadImage } from './docker-load.ts';
import type { EngineAnswer } from './engine-answer.ts';
import { askStore } from './engine-store.ts';
import type { HostContext, Phase } from './phase.ts';

export const loadImages: Phase = {
  name: 'load-images',
  async plan(context) {
    const { wanted, survey, state } = context;
    if (!wanted.images) return undefined;
    const settled = survey.engine !== undefined && !state.pending?.length;
    if (settled && survey.engine && (await allThere(context, survey.engine, survey.images))) return undefined;
    const engineRuns = context.dryRun ? survey.engine !== undefined : true;
    const store = engineRuns ? await askStore(context.shell) : emptyStore(context);
    const loads = await planLoads(wanted.images, store, { platform: wanted.platform });
    if (loads.length === 0) return undefined;
    return {
      changes: loads.map(describeLoad),
      async run(report) {
        const total = loads.reduce((sum, load) => sum + load.bytes, 0);
        let done = 0;
        for (const load of loads) {
          await loadImage(context, load, report, bytes => report.progress(done + bytes, total));
          done += load.bytes;
          remember(context, load);
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
function emptyStore({ wanted }: HostContext): EngineStore {
  const major = Number(/^\d+/.exec(wanted.engine?.version ?? '')?.[0] ?? 0);
  return { kind: 'classic', major, chains: new Set(), names: new Map() };
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
