/**
 * A root file system as a source of one image: what `docker export` writes, or any tar of files. It is read twice: once
 * to know its digest, on which the image's config and so its ID depend, and to see that it is whole; once to be copied.
 */
import { parse as parsePath } from 'node:path';
import type { RunConfig } from '../content/changes.ts';
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, Digester, digestOf } from '../content/digest.ts';
import { type Compression, layerMediaType, OCI_CONFIG, sniffCompression } from '../content/media-types.ts';
import { formatPlatform, type Platform, parsePlatform } from '../content/platform.ts';
import type { Reference } from '../content/reference.ts';
import { verified } from '../content/verified.ts';
import { ELF_HEAD_BYTES, elfPlatform, samePlatform } from '../engine/elf.ts';
import { describeHead } from '../engine/sniff.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { decompress } from '../support/compress.ts';
import { ReadFile } from '../support/file.ts';
import type { Meter } from '../support/meter.ts';
import { peek } from '../support/peek.ts';
import { BLOCK, safePath } from '../tar/header.ts';
import { walkTar } from '../tar/walk.ts';
import type { Bytes, RandomSource, SourceLayer } from './source.ts';

export interface RootFileSystemOptions {
  name: Reference;
  /** Default: what its binaries are for; linux/amd64 where it has none. */
  platform?: Platform;
  /** How its containers run. */
  config: RunConfig;
  /** ISO time. */
  created: string;
  /** For the image's history. */
  message: string;
  meter: Meter;
  signal?: AbortSignal;
}

/** What the first pass finds out. */
interface Passed {
  diffId: Digest;
  /** Of the file as it is. */
  digest: Digest;
  /** Those that its binaries are for, the most frequent first. */
  platforms: string[];
}

type Complete = RootFileSystemOptions & { platform: Platform };

const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]);
const BZIP2 = Buffer.from('BZh');
/** What lies at the top of an archive of images; the older format has folders and configs named by digests. */
const OF_IMAGES =
  /^(?:manifest\.json|index\.json|oci-layout|airferry\.json|repositories|blobs|[0-9a-f]{64}(?:\.json|\.tar)?)$/;
const DEFAULT_PLATFORM = 'linux/amd64';

/**
 * Open a root file system: a tar, plain or compressed with gzip or zstd. Throws FILE_NOT_FOUND, FILE_UNREADABLE;
 * ARCHIVE_INVALID for what is no tar, for an archive of images, and for compressions that layers do not have;
 * PLATFORM_MISMATCH when its binaries are for another machine than `platform`.
 */
export async function rootFileSystemSource(
  path: string,
  options: RootFileSystemOptions,
): Promise<RandomSource> {
  const file = ReadFile.open(path);
  try {
    const compression = compressionOf(file);
    const passed = await pass(file, compression, options);
    const platform = platformOf(file.path, passed, options);
    return source(file, compression, passed, { ...options, platform });
  } catch (error) {
    file.close();
    throw error instanceof AirferryError ? error.at({ file: path }) : error;
  }
}

function source(
  file: ReadFile,
  compression: Compression,
  { diffId, digest }: Passed,
  options: Complete,
): RandomSource {
  const bytes = configOf(diffId, options);
  const config = { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length };
  const known: Descriptor = { mediaType: layerMediaType(compression), digest, size: file.size };
  const place = { file: file.path };
  const layer: SourceLayer = {
    key: file.path,
    size: file.size,
    compression,
    // A plain tar is compressed on its way; anything else goes as it is.
    ...(compression !== 'none' && { descriptor: known }),
    open: () => verified(file.stream(), known, place),
  };
  const { name, platform } = options;
  const image = {
    names: [name],
    platform,
    config: { descriptor: config, bytes },
    layers: [{ key: layer.key, diffId }],
  };
  return {
    description: `root file system ${file.path}`,
    access: 'random',
    inventory: async () => ({ images: [image], indexes: [] }),
    async *layers() {
      yield layer;
    },
    close: async () => file.close(),
  };
}

/** As Docker writes it, without what only the machine that built it knew. */
function configOf(diffId: Digest, { platform, config, created, message }: Complete): Uint8Array {
  const { architecture, os, variant } = platform;
  return Buffer.from(
    JSON.stringify({
      created,
      architecture,
      ...(variant && { variant }),
      os,
      config,
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created, comment: message }],
    }),
  );
}

/** Read all of it: for both digests, and to find a file that is cut short, or no root file system. */
async function pass(
  file: ReadFile,
  compression: Compression,
  { meter, signal }: RootFileSystemOptions,
): Promise<Passed> {
  meter.expect(file.size);
  const outer = new Digester();
  const inner = new Digester();
  async function* seen(bytes: Bytes, digester: Digester): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      signal?.throwIfAborted();
      digester.update(chunk);
      yield chunk;
    }
  }
  const stored = seen(meter.count(file.stream(), { reached: 0 }), outer);
  const plain = compression === 'none' ? stored : decompress(stored, compression, file.path);
  let entries = 0;
  let files = false;
  const platforms = new Map<string, number>();
  try {
    for await (const { header, body } of walkTar(seen(plain, inner), file.path, Number.POSITIVE_INFINITY)) {
      entries++;
      const top = safePath(header.name)?.split('/')[0];
      files ||= top !== '' && !OF_IMAGES.test(top ?? '');
      const runs = header.type === 'file' && (header.mode & 0o111) !== 0;
      const found = runs ? elfPlatform((await peek(body, ELF_HEAD_BYTES)).head) : undefined;
      if (found) platforms.set(found, (platforms.get(found) ?? 0) + 1);
    }
  } catch (error) {
    if (entries > 0 || !isAirferryError(error, 'ARCHIVE_INVALID') || error.where.offset !== 0) throw error;
    throw noTar(file);
  }
  if (entries > 0 && !files) throw imagesNotFiles(file.path);
  const byCount = [...platforms].sort(([, a], [, b]) => b - a).map(([platform]) => platform);
  return { diffId: inner.digest(), digest: outer.digest(), platforms: byCount };
}

/** The platform that was asked for, if any binary is for it; a mixture has them for several. */
function platformOf(path: string, { platforms }: Passed, { platform }: RootFileSystemOptions): Platform {
  const [first = DEFAULT_PLATFORM] = platforms;
  if (!platform) return parsePlatform(first === 'linux/arm' ? 'linux/arm/v7' : first);
  const wanted = formatPlatform(platform);
  if (platforms.length === 0 || platforms.some(found => samePlatform(found, wanted))) return platform;
  throw new AirferryError('PLATFORM_MISMATCH', `${path} is for ${first}, not for ${wanted}`, {
    where: { file: path },
    suggestions: [`Write --platform ${first}, or leave it out.`],
  });
}

function compressionOf(file: ReadFile): Compression {
  const head = Buffer.from(file.readAt(0, 6));
  if (head.length === 0) throw invalid(file.path, 'is empty');
  for (const [magic, tool] of [
    [XZ, 'xz'],
    [BZIP2, 'bzip2'],
  ] as const) {
    if (head.subarray(0, magic.length).equals(magic))
      throw invalid(file.path, `is compressed with ${tool}, which layers of images are not`, [
        `Decompress it first: ${tool} -dk ${parsePath(file.path).base}`,
      ]);
  }
  return sniffCompression(head);
}

function imagesNotFiles(path: string): AirferryError {
  return invalid(path, 'is an archive of images, not a root file system', [
    `Its images can be used as they are: airferry image list ${path}, airferry image copy ${path} …`,
  ]);
}

function noTar(file: ReadFile): AirferryError {
  const what = describeHead(file.readAt(0, BLOCK)) ?? 'no tar archive';
  return invalid(file.path, `is no root file system: it is ${what}`, [
    'Give what `docker export` writes, or a tar of a root folder: tar -C ROOT -cf rootfs.tar .',
  ]);
}

function invalid(path: string, why: string, suggestions: string[] = []): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', `${path} ${why}`, { where: { file: path }, suggestions });
}
