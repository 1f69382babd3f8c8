/** How much room an install takes on a host, as far as that can be known before. */
import { chainIds } from '../content/manifest.ts';
import { idOf, imagesFor } from '../transports/docker-load.ts';
import type { HostContext } from './phase.ts';
import { releaseIsWhole } from './release-state.ts';

export interface SpaceNeeded {
  /** Bytes on their way, beside the state: what is uploaded before it is unpacked. */
  staging: number;
  /** Bytes of unpacked programs. */
  release: number;
  /** Bytes at the data root: unpacked layers, and the archive that `docker load` keeps while it reads. */
  images: number;
}

/** Engines unpack to a little more than three times their archive, layers to about as much; measured, rounded up. */
const UNPACKED = 3.5;

/** For this host as it is: what lies there already takes no room. */
export async function spaceNeeded({
  wanted,
  survey,
  state,
}: Pick<HostContext, 'wanted' | 'survey' | 'state'>): Promise<SpaceNeeded> {
  const { engine, compose } = wanted;
  const archive = engine && !releaseIsWhole({ survey, state }, engine) ? engine.archive.size : 0;
  const plugin = compose && survey.paths.get(compose.release.file)?.kind !== 'file' ? compose.binary.size : 0;
  return {
    staging: Math.max(archive, plugin),
    release: Math.ceil(archive * UNPACKED) + plugin,
    images: await imageBytes({ wanted, survey }),
  };
}

async function imageBytes({ wanted, survey }: Pick<HostContext, 'wanted' | 'survey'>): Promise<number> {
  if (!wanted.images) return 0;
  const kind = survey.engine?.containerdStore ? 'containerd' : 'classic';
  const sizes = new Map<string, number>();
  for await (const layer of wanted.images.layers()) sizes.set(layer.key, layer.size);
  const seen = new Set<string>();
  let layers = 0;
  let largest = 0;
  for (const { image, names } of await imagesFor(wanted.images, { platform: wanted.platform })) {
    if (names.every(name => survey.images.get(name) === idOf(image, kind))) continue;
    const chains = chainIds(image.layers.flatMap(({ diffId }) => diffId ?? []));
    let mine = 0;
    for (const [i, { key }] of image.layers.entries()) {
      const chain = chains[i] ?? key;
      if (seen.has(chain)) continue;
      seen.add(chain);
      mine += sizes.get(key) ?? 0;
    }
    layers += mine;
    largest = Math.max(largest, mine);
  }
  return Math.ceil(layers * UNPACKED) + largest;
}
