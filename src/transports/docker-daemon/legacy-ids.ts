/**
 * Which layer a folder of an older `docker save` holds, told before its bytes pass.
 *
 * Engines before 25 name each folder by a hash over the layer's chain ID and the folder above it, put into the JSON that
 * lies beside the layer. So whoever knows which chains there may be can compute the names, and a name that comes out right
 * is proof. moby, image/v1/imagev1.go, CreateID.
 */
import { type Digest, digestOf, hexOf } from '../../content/digest.ts';
import { chainIds } from '../../content/manifest.ts';
import { isObject } from '../../support/is-object.ts';

export class LegacyIds {
  readonly #stacks: Digest[][];
  /** The chain of each folder that a layer other than the topmost of an image is in. */
  #below: Map<string, Digest> | undefined;

  /** `stacks`: the diffIDs of each image that is saved, from the lowest layer up. */
  constructor(stacks: readonly (readonly Digest[])[]) {
    this.#stacks = stacks.map(diffIds => chainIds([...diffIds]));
  }

  /** The chain ID of the layer in the folder `id`, by the `json` in it; undefined where it cannot be told. */
  chainOf(id: string, json: Uint8Array): Digest | undefined {
    const legacy = parse(json);
    if (legacy?.id !== id) return undefined;
    const found = this.#below?.get(id);
    if (found !== undefined) return found;
    const tops = new Set(this.#stacks.flatMap(stack => stack.at(-1) ?? []));
    for (const chain of tops) if (idOf(legacy, chain, parentOf(legacy)) === id) return chain;
    if (this.#below) return undefined;
    // All layers below a topmost one have the same JSON but for chain and parent, and it says no os when it is hashed.
    const { os: _, ...template } = legacy;
    const below = this.#compute(template);
    if (below.has(id)) this.#below = below;
    return below.get(id);
  }

  #compute(template: Record<string, unknown>): Map<string, Digest> {
    const ids = new Map<string, Digest>();
    const known = new Map<Digest, string>();
    for (const stack of this.#stacks) {
      let parent: string | undefined;
      for (const chain of stack) {
        const id: string = known.get(chain) ?? idOf(template, chain, parent);
        known.set(chain, id);
        ids.set(id, chain);
        parent = id;
      }
    }
    return ids;
  }
}

function parse(json: Uint8Array): Record<string, unknown> | undefined {
  try {
    const legacy: unknown = JSON.parse(Buffer.from(json).toString('utf8'));
    return isObject(legacy) ? legacy : undefined;
  } catch {
    return undefined;
  }
}

function parentOf({ parent }: Record<string, unknown>): string | undefined {
  return typeof parent === 'string' ? parent : undefined;
}

/** As Go writes a map: keys in order, and what HTML would take for its own escaped. */
function idOf(legacy: Record<string, unknown>, chain: Digest, parent: string | undefined): string {
  const { id: _, parent: __, ...rest } = legacy;
  const hashed: Record<string, unknown> = {
    ...rest,
    layer_id: chain,
    ...(parent === undefined ? {} : { parent: `sha256:${parent}` }),
  };
  const sorted = Object.fromEntries(
    Object.keys(hashed)
      .sort()
      .map(key => [key, hashed[key]]),
  );
  const text = JSON.stringify(sorted).replace(
    /[<>&\u2028\u2029]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return hexOf(digestOf(text));
}
