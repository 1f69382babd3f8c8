/** Whether all that a host lacks is at hand: a bundle may leave out what the far side is thought to have. */
import type { BlobSource } from '../host/transfer.ts';
import { type AbsentBlob, absentBlobs, baseMissing, usesOfLayers } from '../transports/absent.ts';
import { type EngineStore, planLoads } from '../transports/docker-load.ts';
import type { RandomSource } from '../transports/source.ts';
import { askStore } from './engine-store.ts';
import { expectedVia } from './image-loader.ts';
import type { HostContext } from './phase.ts';
import { releaseIsWhole } from './release-state.ts';
import { stagedPath } from './stage-engine.ts';

/**
 * Throws BUNDLE_BASE_MISSING, before anything is changed, for what the bundle leaves out, no base has, and this host lacks:
 * the engine unless its release is there, compose, files, layers.
 */
export async function assertAtHand(context: HostContext): Promise<void> {
  const { wanted, survey, shell } = context;
  const needed: AbsentBlob[] = [];
  const need = (blob: BlobSource, use: string): void => {
    if (blob.absent)
      needed.push({ digest: blob.digest as `sha256:${string}`, size: blob.size, use, had: blob.absent });
  };
  const there = (path: string, { digest }: BlobSource): boolean => {
    const now = survey.paths.get(path);
    return now?.kind === 'file' && `sha256:${now.sha256}` === digest;
  };
  const { engine, compose, files, images } = wanted;
  if (engine && !releaseIsWhole(context, engine) && !there(stagedPath(engine.archive), engine.archive))
    need(engine.archive, `engine ${engine.version}`);
  if (compose && !there(compose.release.file, compose.binary))
    need(compose.binary, `compose ${compose.version}`);
  for (const { path, blob } of files) if (!there(path, blob)) need(blob, `file ${path}`);
  if (images && (await leavesOut(images))) needed.push(...(await neededLayers(context, images)));
  if (needed.length > 0) throw baseMissing('the bundle', needed, `${shell.target.name} lacks them`);
}

async function leavesOut(images: RandomSource): Promise<boolean> {
  for await (const { absent } of images.layers()) if (absent) return true;
  return false;
}

async function neededLayers(
  { wanted, survey, shell }: HostContext,
  images: RandomSource,
): Promise<AbsentBlob[]> {
  const store = survey.engine ? await askStore(shell) : emptyStore();
  const loads = await planLoads(images, store, { platform: wanted.platform });
  const uses = usesOfLayers(loads);
  return loads.flatMap(load =>
    absentBlobs(expectedVia(load, store) === 'pull' ? load.missing : load.send, uses),
  );
}

/** An engine that is not there yet has nothing, and reads all that can be packed. */
function emptyStore(): EngineStore {
  return { kind: 'classic', major: Number.POSITIVE_INFINITY, chains: new Set(), names: new Map() };
}
