/**
 * What a bundle says of itself, in two steps that keep it readable in place and writable in one pass:
 *
 * `airferry.json`, the head, is the first entry of the archive and has a fixed size. It names the bundle and, by digest,
 * the manifest. The manifest is a blob; it names everything else: engine, compose, units, daemon.json, images, files,
 * and every blob there is. So one digest vouches for the whole, and what the manifest does not name does not belong.
 * What may change from version to version is in `format/README.md`; the schemas beside it are made of those below.
 */
import * as z from 'zod';
import { deltaSchema } from '../content/delta.ts';
import { isDigest } from '../content/digest.ts';
import { digestSchema as digest } from '../content/digest-schema.ts';
import { AirferryError } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { parseJson } from '../support/json.ts';
import { HEAD_NAME } from '../transports/oci/bundle-store.ts';

/** Bytes of the head; the JSON is filled up with spaces, so that it can be written after all that it speaks of. */
export const HEAD_SIZE = 4096;
export const MANIFEST_TYPE = 'application/vnd.airferry.manifest.v1+json';
export const ENGINE_TYPE = 'application/vnd.airferry.engine.v1.tar+gzip';
export const FILE_TYPE = 'application/vnd.airferry.file.v1';
/** Bytes of a manifest; one of 10,000 blobs has about 2 MB. */
const MANIFEST_SIZE_LIMIT = 32 * 1024 * 1024;

const MAJOR = 1;
const MINOR = 0;
/** What bundles are written with: the format, and the oldest airferry that reads all of it. */
export const FORMAT = { schemaVersion: `${MAJOR}.${MINOR}`, needs: 'airferry 0.1.0' } as const;

/** A newer minor is read: what it adds may be left out of account. */
const schemaVersion = z.string().regex(new RegExp(`^${MAJOR}\\.(0|[1-9][0-9]{0,3})$`));
const NEEDS = /^airferry [0-9]{1,5}(\.[0-9]{1,5}){2}$/;
const needs = z.string().regex(NEEDS);
const size = z.number().int().nonnegative();
const platform = z.string().regex(/^[a-zA-Z0-9_.-]{1,32}(\/[a-zA-Z0-9_.-]{1,32}){1,2}$/);
const version = z.string().min(1).max(128);
const absolutePath = z.string().regex(/^(?!.*\/\.{0,2}(\/|$))\/.+$/);

/** The head does not grow within a major version, since nothing but its repetition in the manifest vouches for it. */
const head = z.strictObject({
  schemaVersion,
  needs,
  name: z.string().min(1).max(128),
  version,
  manifest: z.strictObject({
    mediaType: z.literal(MANIFEST_TYPE),
    digest,
    size: size.max(MANIFEST_SIZE_LIMIT),
  }),
});

const binary = z.object({ platform, digest, size });

const blob = z.object({ mediaType: z.string(), digest, size });

const manifest = z.object({
  schemaVersion,
  needs,
  mediaType: z.literal(MANIFEST_TYPE),
  name: z.string().min(1).max(128),
  version,
  platforms: z.array(platform).min(1),
  /** The publisher's archive as it is, one per platform; `components` are the file names in its `docker/`. */
  engine: z
    .object({ version, archives: z.array(binary.extend({ components: z.array(z.string()).min(1) })).min(1) })
    .optional(),
  compose: z.object({ version, binaries: z.array(binary).min(1) }).optional(),
  /** The unit files as systemd/ of the package has them, or the operator's own, by name: `drop-ins/tasks-max.conf`. */
  units: z.record(
    z.string().regex(/^(drop-ins\/)?[a-zA-Z0-9@:_-][a-zA-Z0-9@:._-]*$/),
    z.object({ digest, size }),
  ),
  /** daemon.json as template and values of the recipe make it, before what the fleet adds. */
  daemon: z.record(z.string(), z.json()),
  images: z.array(
    z.object({
      name: z.string().optional(),
      mediaType: z.string(),
      digest,
      size,
      platform: platform.optional(),
    }),
  ),
  /** With a platform only for hosts of that one. */
  files: z.array(
    z.object({
      path: absolutePath,
      mode: z.string().regex(/^0[0-7]{3}$/),
      digest,
      size,
      platform: platform.optional(),
    }),
  ),
  /** Every blob that belongs to the bundle but the manifest itself. */
  blobs: z.array(blob),
  /** Which of the blobs the archive does not have, since the far side has them. */
  delta: deltaSchema.optional(),
  /** The documents beside the blobs, by which other tools read the bundle. */
  documents: z.record(z.enum(['oci-layout', 'index.json', 'manifest.json']), z.object({ digest, size })),
});

/** The same once its blobs were looked at: of many thousand, zod would take its time and make a copy of each. */
const others = manifest.extend({ blobs: z.custom<z.infer<typeof blob>[]>() });

export type BundleHead = z.infer<typeof head>;
export type BundleManifest = z.infer<typeof manifest>;

/** Parse a bundle's head. Throws BUNDLE_INVALID; for another major version with the airferry that is needed. */
export function parseHead(bytes: Uint8Array, file: string): BundleHead {
  return parse(() => head, bytes, file, HEAD_NAME);
}

/** Parse a bundle's manifest. Throws BUNDLE_INVALID. */
export function parseBundleManifest(bytes: Uint8Array, file: string): BundleManifest {
  return parse(json => (hasBlobs(json) ? others : manifest), bytes, file, 'manifest');
}

/** Whether the blobs of a manifest are as its schema has them. */
function hasBlobs(json: unknown): boolean {
  return (
    isObject(json) &&
    Array.isArray(json.blobs) &&
    json.blobs.every(
      one =>
        isObject(one) &&
        typeof one.mediaType === 'string' &&
        isDigest(one.digest) &&
        Number.isSafeInteger(one.size) &&
        Number(one.size) >= 0,
    )
  );
}

/** The bytes of a manifest; same content, same bytes. */
export function formatBundleManifest(content: BundleManifest): Uint8Array {
  return Buffer.from(JSON.stringify(manifest.parse(content)));
}

/** The bytes of a head, filled up to its fixed size. */
export function formatHead(content: BundleHead): Uint8Array {
  return Buffer.from(`${JSON.stringify(head.parse(content), undefined, 2).padEnd(HEAD_SIZE - 1)}\n`);
}

/** Whether all that a manifest says is known here; one of a newer minor may say more, and cannot be written anew. */
export function isKnownFormat({ schemaVersion }: Pick<BundleManifest, 'schemaVersion'>): boolean {
  return Number(schemaVersion.split('.')[1]) <= MINOR;
}

/** The published schemas, in JSON Schema draft 2020-12. */
export function formatSchemas(): Record<'head' | 'manifest', object> {
  const schema = (of: z.ZodType, title: string): object => ({
    title,
    ...z.toJSONSchema(of, { io: 'input' }),
  });
  return {
    head: schema(head, `airferry.json of a bundle, format ${MAJOR}`),
    manifest: schema(manifest, `The manifest of a bundle, format ${MAJOR}`),
  };
}

function parse<T>(
  schemaOf: (json: unknown) => z.ZodType<T>,
  bytes: Uint8Array,
  file: string,
  what: string,
): T {
  const invalid = (why: string, suggestions: string[] = []): AirferryError =>
    new AirferryError('BUNDLE_INVALID', `the ${what} of ${file} ${why}`, { where: { file }, suggestions });
  let json: unknown;
  try {
    json = parseJson(bytes);
  } catch {
    throw invalid('is no JSON', ['The bundle is damaged; carry it over again.']);
  }
  const format = isObject(json) ? json.schemaVersion : undefined;
  if (
    typeof format === 'string' &&
    /^\d{1,4}\.\d{1,4}$/.test(format) &&
    !schemaVersion.safeParse(format).success
  ) {
    const wanted = isObject(json) && NEEDS.test(String(json.needs)) ? `${json.needs} or newer` : undefined;
    throw invalid(`has format ${format}, and this airferry reads format ${MAJOR}`, [
      wanted ? `It needs ${wanted}.` : 'Use the airferry that made the bundle, or a newer one.',
    ]);
  }
  const result = schemaOf(json).safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const at = issue && issue.path.length > 0 ? ` at "${issue.path.join('.')}"` : '';
  throw invalid(`is not valid${at}: ${issue?.message}`, [
    'The bundle is damaged, or airferry did not make it.',
  ]);
}
