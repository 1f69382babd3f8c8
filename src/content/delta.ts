/**
 * What a bundle leaves out because the far side has it: which blobs, and against what it was cut. Part of a bundle's manifest
 * since format 1.0, so that every reader knows of it.
 */
import * as z from 'zod';
import type { Digest } from './digest.ts';
import { digestSchema as digest } from './digest-schema.ts';

const base = z.object({
  kind: z.enum(['bundle', 'layout', 'receipt']),
  /** `plant-7 2026.10`; of a layout or a receipt what its maker called it. */
  name: z.string().min(1).max(300),
  /** Of a bundle's manifest, a layout's index.json, a receipt's bytes. */
  digest,
});

export const deltaSchema = z.object({
  bases: z.array(base).min(1).max(64),
  /** Blobs that the manifest names and the archive does not have, and which of the bases had them, by position from 0. */
  absent: z.array(z.object({ digest, bases: z.array(z.number().int().min(0).max(63)).min(1) })).min(1),
});

export type Delta = z.infer<typeof deltaSchema>;
export type DeltaBase = Delta['bases'][number];

/** `plant-7 2026.10 (sha256:9f86d081884c)`, for every base that had a blob; undefined for one that is not left out. */
export function basesOf(delta: Delta): (digest: Digest) => string[] | undefined {
  const names = delta.bases.map(describeBase);
  const byDigest = new Map(
    delta.absent.map(({ digest, bases }) => [digest, bases.flatMap(at => names[at] ?? [])]),
  );
  return wanted => byDigest.get(wanted);
}

/** `plant-7 2026.10 (sha256:9f86d081884c)`, `the receipt of h1, h2 (sha256:…)`. */
export function describeBase({ kind, name, digest }: DeltaBase): string {
  return `${kind === 'bundle' ? '' : `the ${kind} of `}${name} (${digest.slice(0, digest.indexOf(':') + 13)})`;
}
