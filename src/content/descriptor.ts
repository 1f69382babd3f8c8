/** Descriptors: media type, digest and size of a piece of content. OCI image-spec, descriptor.md. */
import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** Bytes of the content as stored. */
  size: number;
  platform?: Platform;
  annotations?: Record<string, string>;
}

/** The three fields that identify content, without platform and annotations. */
export function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
