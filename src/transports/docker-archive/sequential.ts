/**
 * An archive that is compressed as a whole, read once from front to back.
 *
 * `manifest.json` comes last in it, so what an entry is must be told from its own first bytes: documents are small
 * JSON and are kept; a tar, plain or compressed, is a layer and is handed out while it passes. Only at the end is it
 * known which images the archive holds.
 */
import { type Digest, Digester, digestOf } from '../../content/digest.ts';
import { MANIFEST_LIMIT, parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { OCI_CONFIG, sniffCompression } from '../../content/media-types.ts';
import { readAll } from '../../content/verified.ts';
import { AirferryError } from '../../errors.ts';
import { decompress } from '../../support/compress.ts';
import type { ReadFile } from '../../support/file.ts';
import type { Meter } from '../../support/meter.ts';
import { peek } from '../../support/peek.ts';
import { safePath } from '../../tar/header.ts';
import { walkTar } from '../../tar/walk.ts';
import { nameOf } from '../oci/source.ts';
import type { Bytes, Inventory, SequentialSource, SourceImage, SourceLayer } from '../source.ts';
import { Links } from './links.ts';
import { MANIFEST_JSON, parseManifestJson } from './manifest-json.ts';

/** All documents together; an archive of a thousand images has some MB of them. Bytes. */
const DOCUMENTS_LIMIT = 64 * 1024 * 1024;
const CONTENT_ADDRESSED = /^blobs\/sha256\/([0-9a-f]{64})$/;

/** The images of a gzip- or zstd-compressed docker-archive or OCI archive. The meter counts bytes of the file. */
export function sequentialSource(
  file: ReadFile,
  compression: 'gzip' | 'zstd',
  meter: Meter,
): SequentialSource {
  const seen = new Seen(file.path);
  async function* layers(): AsyncGenerator<SourceLayer> {
    const bytes = decompress(meter.count(file.stream(), { reached: 0 }), compression);
    try {
      for await (const { header, body } of walkTar(bytes, file.path)) {
        const path = safePath(header.name);
        if (!path) continue;
        if (header.type === 'symlink' || header.type === 'link') seen.links.add(path, header);
        if (header.type !== 'file' || header.size === 0) continue;
        const layer = await seen.judge(path, header.size, body);
        if (layer) yield layer;
      }
    } catch (error) {
      throw asArchiveError(error, file.path);
    }
  }
  return {
    description: `docker-archive:${file.path}`,
    access: 'sequential',
    path: file.path,
    bytes: file.size,
    layers,
    inventory: async () => seen.inventory(),
    close: async () => file.close(),
  };
}

class Seen {
  readonly links = new Links();
  readonly #path: string;
  readonly #documents = new Map<string, Uint8Array>();
  readonly #layers = new Set<string>();
  #held = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** A layer, or undefined for a document (kept) and for anything else (passed over). */
  async judge(path: string, size: number, body: Bytes): Promise<SourceLayer | undefined> {
    const { head, whole: bytes } = await peek(body, 512);
    const compression = sniffCompression(head);
    if (compression === 'none' && !looksLikeTar(head)) {
      if (!looksLikeJson(head) || size > MANIFEST_LIMIT) return undefined;
      if (!this.#documents.has(path)) this.#held += size;
      if (this.#held > DOCUMENTS_LIMIT)
        throw new AirferryError('ARCHIVE_INVALID', 'the archive has more than 64 MiB of JSON');
      this.#documents.set(path, (await readAll(bytes, size)) ?? new Uint8Array());
      return undefined;
    }
    this.#layers.add(path);
    const named = CONTENT_ADDRESSED.exec(path)?.[1];
    const open = named ? () => named256(bytes, `sha256:${named}`, this.#path) : () => bytes;
    return { key: path, size, compression, open };
  }

  inventory(): Inventory {
    const document = this.#documents.get(MANIFEST_JSON);
    if (document) {
      const images = parseManifestJson(document, this.#path).map(({ config, names, layers }) =>
        this.#image(config, names, layers),
      );
      return { images, indexes: [] };
    }
    if (this.#documents.has('index.json')) return { images: this.#ociImages(), indexes: [] };
    throw new AirferryError(
      'ARCHIVE_INVALID',
      `${this.#path} holds no images: it has neither manifest.json nor index.json`,
      {
        where: { file: this.#path },
        suggestions: [
          'airferry reads what `docker save` writes, and OCI archives. A `docker export` is no image.',
        ],
      },
    );
  }

  #image(configPath: string, names: SourceImage['names'], layerPaths: string[]): SourceImage {
    const bytes = this.#document(configPath);
    const { platform, diffIds } = parseImageConfig(bytes);
    const layers = layerPaths.map((path, i) => {
      const key = this.links.resolve(path);
      if (!this.#layers.has(key)) throw this.#lacks(path);
      return { key, diffId: diffIds[i] };
    });
    if (diffIds.length !== layers.length) {
      throw new AirferryError(
        'ARCHIVE_INVALID',
        `${configPath} counts ${diffIds.length} layers, manifest.json ${layers.length}`,
      );
    }
    const descriptor = { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length };
    return { names, platform, config: { descriptor, bytes }, layers };
  }

  #ociImages(): SourceImage[] {
    const index = parseManifest(this.#document('index.json'));
    if (index.kind !== 'index')
      throw new AirferryError('ARCHIVE_INVALID', `index.json of ${this.#path} is no index`);
    return index.manifests.map(child => {
      const bytes = this.#document(blob(child.digest));
      const manifest = parseManifest(bytes, child.mediaType);
      if (manifest.kind === 'index') {
        throw new AirferryError(
          'ARCHIVE_INVALID',
          `${this.#path} holds an index of images and is compressed as a whole`,
          {
            suggestions: [`Decompress it first: gunzip -k ${this.#path}`],
          },
        );
      }
      const name = nameOf(child);
      const image = this.#image(
        blob(manifest.config.digest),
        name ? [name] : [],
        manifest.layers.map(l => blob(l.digest)),
      );
      return { ...image, manifest: { descriptor: child, bytes } };
    });
  }

  #document(path: string): Uint8Array {
    const bytes = this.#documents.get(this.links.resolve(path));
    if (bytes) return bytes;
    throw this.#lacks(path);
  }

  #lacks(path: string): AirferryError {
    return new AirferryError(
      'ARCHIVE_INVALID',
      `${this.#path} lacks the file ${path} that its manifest names`,
      {
        where: { file: this.#path },
        suggestions: ['The archive is damaged or incomplete; save the image again.'],
      },
    );
  }
}

function blob(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function looksLikeTar(head: Uint8Array): boolean {
  // The layer of an instruction that changed no file is a tar of zero blocks only.
  return (
    Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar' ||
    head.subarray(0, 512).every(byte => byte === 0)
  );
}

function looksLikeJson(head: Uint8Array): boolean {
  return head[0] === 0x7b || head[0] === 0x5b;
}

/** An entry that is named by its digest has to have it. */
async function* named256(bytes: Bytes, name: Digest, archive: string): AsyncGenerator<Uint8Array> {
  const digester = new Digester();
  for await (const chunk of bytes) {
    digester.update(chunk);
    yield chunk;
  }
  const actual = digester.digest();
  if (actual !== name) {
    throw new AirferryError(
      'DIGEST_MISMATCH',
      `blob ${name} of ${archive} has the content of ${actual}; it is damaged`,
      {
        where: { file: archive, blob: name },
      },
    );
  }
}

/** What zlib says of damaged input, in words. */
function asArchiveError(error: unknown, path: string): unknown {
  const code = error instanceof Error ? String((error as NodeJS.ErrnoException).code ?? '') : '';
  if (!/^Z_|^ZSTD|^ERR_ZSTD/i.test(code)) return error;
  const short = code === 'Z_BUF_ERROR' || /unexpected end/i.test(String(error));
  return new AirferryError(
    short ? 'ARCHIVE_TRUNCATED' : 'ARCHIVE_INVALID',
    short
      ? `${path} ends too early; it was cut short`
      : `${path} is damaged: its compression does not add up`,
    {
      where: { file: path },
      cause: error,
      suggestions: ['Copy or save it again; `gzip -t` or `zstd -t` checks it.'],
    },
  );
}
