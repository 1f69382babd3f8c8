/** A content store whose blobs may lie in others: a bundle that leaves out what its bases have. */
import type { Delta } from '../../content/delta.ts';
import { basesOf } from '../../content/delta.ts';
import type { Descriptor } from '../../content/descriptor.ts';
import type { Digest } from '../../content/digest.ts';
import { baseMissing } from '../absent.ts';
import type { Bytes, Document } from '../source.ts';
import type { ContentStore } from './store.ts';

export class LayeredStore implements ContentStore {
  readonly description: string;
  readonly #own: ContentStore;
  readonly #stores: readonly ContentStore[];
  readonly #had: (digest: Digest) => string[] | undefined;

  /** `others` are asked in their order for what `own` lacks; `delta` says what it leaves out. All are closed with it. */
  constructor(own: ContentStore, others: readonly ContentStore[], delta: Delta | undefined) {
    this.description = own.description;
    this.#own = own;
    this.#stores = [own, ...others];
    this.#had = delta ? basesOf(delta) : () => undefined;
  }

  index(): Uint8Array {
    return this.#own.index();
  }

  has(digest: Digest): boolean {
    return this.#stores.some(store => store.has(digest));
  }

  size(digest: Digest): number | undefined {
    return this.#with(digest).size(digest);
  }

  absent(digest: Digest): readonly string[] | undefined {
    const had = this.#had(digest);
    return had && !this.has(digest) ? had : undefined;
  }

  open(descriptor: Descriptor): Bytes {
    return this.#for(descriptor).open(descriptor);
  }

  slice(digest: Digest, offset: number, length: number): Bytes {
    return this.#for({ digest, size: length }).slice(digest, offset, length);
  }

  document(descriptor: Descriptor, limit?: number): Document {
    return this.#for(descriptor).document(descriptor, limit);
  }

  close(): void {
    for (const store of this.#stores) store.close();
  }

  #with(digest: Digest): ContentStore {
    return this.#stores.find(store => store.has(digest)) ?? this.#own;
  }

  #for({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): ContentStore {
    const had = this.absent(digest);
    if (had) throw baseMissing(this.description, [{ digest, size, had }], 'nobody has them');
    return this.#with(digest);
  }
}
