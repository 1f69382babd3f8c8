/** Digests in documents that have a published schema. */
import * as z from 'zod';
import type { Digest } from './digest.ts';

/** What `isDigest` takes, by a pattern, which a JSON Schema can say. */
export const digestSchema = z
  .string()
  .regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/) as unknown as z.ZodType<Digest>;
