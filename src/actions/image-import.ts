/** `image import`: a root file system becomes an image, at any place that images go to. */
import { basename } from 'node:path';
import { parseChanges } from '../content/changes.ts';
import type { Digest } from '../content/digest.ts';
import type { Compression } from '../content/media-types.ts';
import { formatPlatform, parsePlatform } from '../content/platform.ts';
import { familiarName, formatReference, parseReference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import type { Meter } from '../support/meter.ts';
import type { Location } from '../transports/location.ts';
import { rootFileSystemSource } from '../transports/root-file-system.ts';
import { type Access, openDestination } from './image-places.ts';
import { namingFor, rename } from './renaming.ts';

export interface ImageImportOptions extends Omit<Access, 'platforms' | 'referrers'> {
  /** A tar, plain or compressed with gzip or zstd. */
  rootfs: string;
  /** As Docker's user writes it. */
  name: string;
  target: Location;
  /** Dockerfile instructions, in their order. */
  changes?: readonly string[];
  /** `linux/arm64`. Default: what the binaries are for. */
  platform?: string;
  /** For the image's history. Default `Imported from rootfs.tar`. */
  message?: string;
  /** ISO time, or seconds since 1970. Default: SOURCE_DATE_EPOCH, else now. */
  created?: string;
  /** For a tar that is not compressed. Default gzip. */
  compression?: Compression;
  dryRun?: boolean;
  environment?: NodeJS.ProcessEnv;
  meter: Meter;
  signal?: AbortSignal;
}

export interface ImageImported {
  source: string;
  target: string;
  dryRun: boolean;
  /** At the target. */
  name: string;
  /** The config's digest, which engines call the image ID. */
  id: Digest;
  /** Of the uncompressed tar. */
  diffId?: Digest;
  /** Of the manifest; absent in a dry run. */
  digest?: Digest;
  platform: string;
  created: string;
  /** Bytes that travelled. */
  bytes: number;
}

/**
 * Import an image. Throws USAGE for a bad change or time, REFERENCE_INVALID, PLATFORM_INVALID, PLATFORM_MISMATCH,
 * ARCHIVE_INVALID and ARCHIVE_TRUNCATED for what is no root file system, and what the target throws.
 */
export async function importImage(options: ImageImportOptions): Promise<ImageImported> {
  const { rootfs, meter, signal, dryRun = false } = options;
  const { to } = rename(parseReference(options.name), namingFor(options.target, []));
  const created = timeOf(options.created, options.environment ?? process.env);
  const source = await rootFileSystemSource(rootfs, {
    name: to,
    ...(options.platform === undefined ? {} : { platform: parsePlatform(options.platform) }),
    config: parseChanges(options.changes ?? []),
    message: options.message ?? `Imported from ${basename(rootfs)}`,
    created,
    meter,
    ...(signal && { signal }),
  });
  try {
    const [image] = (await source.inventory()).images;
    if (!image) throw new AirferryError('IMAGE_NOT_FOUND', `${rootfs} gave no image`);
    const base = {
      source: rootfs,
      dryRun,
      id: image.config.descriptor.digest,
      diffId: image.layers[0]?.diffId,
      platform: formatPlatform(image.platform),
      created,
    };
    if (dryRun) return { ...base, target: formatReference(to), name: familiarName(to), bytes: 0 };
    const target = await openDestination(options.target, options);
    try {
      const copy = await target.prepare(source, {
        names: from => from,
        unnamed: false,
        compression: options.compression ?? 'gzip',
        meter,
        ...(signal && { signal }),
      });
      const report = await copy.run();
      await target.commit();
      const [copied] = report.images;
      return {
        ...base,
        target: target.description,
        name: familiarName(copied?.to[0] ?? to),
        digest: copied?.manifest.digest,
        bytes: report.moved.bytes,
      };
    } finally {
      await target.discard();
    }
  } finally {
    await source.close();
  }
}

/** Throws USAGE. https://reproducible-builds.org/specs/source-date-epoch/ */
function timeOf(asked: string | undefined, environment: NodeJS.ProcessEnv): string {
  const text = asked ?? environment.SOURCE_DATE_EPOCH ?? '';
  if (text === '') return new Date().toISOString();
  const time = /^\d{1,11}$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
  const isTime = /^\d{1,11}$/.test(text) || /^\d{4}-\d{2}-\d{2}(?:T|$)/.test(text);
  if (isTime && !Number.isNaN(time.getTime())) return time.toISOString().replace('.000Z', 'Z');
  const where = asked === undefined ? 'SOURCE_DATE_EPOCH' : 'the time of creation';
  throw new AirferryError('USAGE', `"${text}" is no time: ${where} is wrong`, {
    suggestions: ['Write 2026-11-20T12:00:00Z, or seconds since 1970.'],
  });
}
