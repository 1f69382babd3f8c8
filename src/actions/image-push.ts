/** `image push`: fill a registry from a bundle or an archive, names rewritten on the way. */
import type { Digest } from '../content/digest.ts';
import type { Compression } from '../content/media-types.ts';
import {
  familiarName,
  formatReference,
  parseReference,
  parseRegistryAddress,
  type Reference,
} from '../content/reference.ts';
import { collisions, parseRetagRule, type Renaming, retag } from '../content/retag.ts';
import { AirferryError } from '../errors.ts';
import { RegistryClient } from '../registry/client.ts';
import type { Meter } from '../support/meter.ts';
import { closest } from '../support/suggest.ts';
import { type CopyReport, copyImages } from '../transports/copy.ts';
import { openImageSource } from '../transports/open.ts';
import { registryTarget } from '../transports/registry.ts';
import type { ImageSource, Inventory } from '../transports/source.ts';

export interface ImagePushOptions {
  /** Path of a bundle, docker-archive, OCI archive or OCI layout folder. */
  source: string;
  /** `hub.company.com`, `10.0.0.5:5000` */
  registry: string;
  /** `PATTERN=REPLACEMENT`, in order; the first that matches a name rewrites it. */
  rules: string[];
  /** Only images with these names, as in Docker. Default all. */
  only?: string[];
  /** Find out the names, and stop. */
  dryRun?: boolean;
  plainHttp?: boolean;
  /** A CA certificate in PEM, beside those of the system and of certs.d. */
  caFile?: string;
  /** Blobs under way at once. */
  concurrency?: number;
  /** For layers that come uncompressed. Default gzip. */
  compression?: Compression;
  meter: Meter;
  signal?: AbortSignal;
}

export interface PushedImage {
  /** As Docker's user writes it. */
  from: string;
  /** Whole. */
  to: string;
  /** The rule that made the name; undefined where only the registry was changed. */
  rule?: string;
  /** Of the manifest or index at the registry; undefined in a dry run over a source without manifests. */
  digest?: Digest;
  /** `present`: the registry had it all. `planned`: a dry run. */
  outcome: 'pushed' | 'present' | 'planned';
}

export interface ImagePushed {
  source: string;
  registry: string;
  dryRun: boolean;
  images: PushedImage[];
  /** Images without a name, which cannot be pushed; by ID. */
  unnamed: Digest[];
  /** Blobs and bytes that travelled, were there, or were taken from another repository of the registry. */
  moved: CopyReport['moved'];
  present: CopyReport['present'];
  mounted: CopyReport['mounted'];
}

/**
 * Push images. Throws REFERENCE_INVALID, RULE_INVALID and RULE_COLLISION before anything is sent, IMAGE_NOT_FOUND for a name in `only`,
 * what the source throws, and REGISTRY_* for what the registry does.
 */
export async function pushImages(options: ImagePushOptions): Promise<ImagePushed> {
  parseRegistryAddress(options.registry);
  const rules = options.rules.map(parseRetagRule);
  const only = options.only?.map(name => familiarName(parseReference(name)));
  const source = await openImageSource(options.source, { meter: options.meter });
  try {
    const inventory = await inventoryOf(source, options);
    const all = namedContent(inventory);
    expectAll(only, all, source.description);
    const named = all.filter(({ name }) => only?.includes(familiarName(name)) ?? true);
    const renamings = named.map(({ name, digest }) => ({
      ...retag(name, rules, options.registry),
      image: digest,
    }));
    refuseCollisions(renamings);
    const unnamed = unnamedImages(inventory);
    const base = {
      source: source.description,
      registry: options.registry,
      dryRun: options.dryRun ?? false,
      unnamed,
    };
    if (options.dryRun) return { ...base, images: renamings.map(planned), ...NOTHING };
    const report = await push(source, renamings, options);
    return {
      ...base,
      images: pushed(report, renamings),
      moved: report.moved,
      present: report.present,
      mounted: report.mounted,
    };
  } finally {
    await source.close();
  }
}

const NOTHING = {
  moved: { blobs: 0, bytes: 0 },
  present: { blobs: 0, bytes: 0 },
  mounted: { blobs: 0, bytes: 0 },
};

/** What there is to push; a source that is compressed as a whole has to be read for that. */
async function inventoryOf(source: ImageSource, { meter, signal }: ImagePushOptions): Promise<Inventory> {
  if (source.access === 'sequential') {
    meter.expect(source.bytes);
    for await (const _ of source.layers()) signal?.throwIfAborted();
  }
  return source.inventory();
}

async function push(
  source: ImageSource,
  renamings: Renaming[],
  options: ImagePushOptions,
): Promise<CopyReport> {
  const { registry, plainHttp, caFile, concurrency, signal, meter } = options;
  const targets = new Map(renamings.map(({ from, to }) => [formatReference(from), to]));
  const client = new RegistryClient({ registry, plainHttp, caFile, concurrency, signal, access: 'push' });
  try {
    return await copyImages(source, registryTarget(client), {
      names: from => from.map(name => targets.get(formatReference(name))).filter(name => name !== undefined),
      unnamed: false,
      compression: options.compression ?? 'gzip',
      meter,
      signal,
    });
  } finally {
    await client.close();
  }
}

/** Each name with what tells its content from other content: the manifest's digest, or the config's. */
function namedContent({ images, indexes }: Inventory): { name: Reference; digest: Digest }[] {
  const ofImages = images.flatMap(({ names, manifest, config }) =>
    names.map(name => ({ name, digest: (manifest ?? config).descriptor.digest })),
  );
  return [
    ...ofImages,
    ...indexes.flatMap(({ names, index }) => names.map(name => ({ name, digest: index.descriptor.digest }))),
  ];
}

function unnamedImages({ images, indexes }: Inventory): Digest[] {
  const children = new Set(indexes.flatMap(index => index.children));
  return images
    .filter(
      ({ names, manifest }) => names.length === 0 && !(manifest && children.has(manifest.descriptor.digest)),
    )
    .map(({ config }) => config.descriptor.digest);
}

function expectAll(only: string[] | undefined, named: { name: Reference }[], source: string): void {
  const found = new Set(named.map(({ name }) => familiarName(name)));
  const missing = only?.find(name => !found.has(name));
  if (missing === undefined) return;
  const near = closest(missing, found);
  throw new AirferryError('IMAGE_NOT_FOUND', `${source} has no image ${missing}`, {
    suggestions: [...(near ? [`Did you mean ${near}?`] : []), 'See what it has with `airferry image list`.'],
  });
}

function refuseCollisions(renamings: (Renaming & { image: Digest })[]): void {
  const found = collisions(renamings);
  if (found.length === 0) return;
  const lines = found.map(({ to, from }) => `  ${to} from ${from.join(' and ')}`);
  throw new AirferryError(
    'RULE_COLLISION',
    `different images would get the same name; nothing was sent:\n${lines.join('\n')}`,
    {
      suggestions: [
        'Write a more particular rule before the one that is too wide; --dry-run shows what each name becomes.',
      ],
    },
  );
}

function planned({ from, to, rule, image }: Renaming & { image: Digest }): PushedImage {
  return { from: familiarName(from), to: formatReference(to), rule, digest: image, outcome: 'planned' };
}

function pushed(report: CopyReport, renamings: Renaming[]): PushedImage[] {
  const outcomes = new Map(report.images.flatMap(image => image.to.map(to => [formatReference(to), image])));
  return renamings.map(({ from, to, rule }) => {
    const outcome = outcomes.get(formatReference(to));
    return {
      from: familiarName(from),
      to: formatReference(to),
      rule,
      digest: outcome?.manifest.digest,
      outcome: outcome?.present ? 'present' : 'pushed',
    };
  });
}
