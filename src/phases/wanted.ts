/** What a host should be: the bundle's content for its platform, with what the fleet says laid over it. */
import { posix } from 'node:path';
import type { Bundle } from '../bundle/open.ts';
import type { Platform } from '../content/platform.ts';
import { formatPlatform, parsePlatform } from '../content/platform.ts';
import { isReserved, RESERVED_HINT } from '../content/reserved.ts';
import { readAll } from '../content/verified.ts';
import { buildDaemonJson, type DaemonConfig, mergeDaemonJson } from '../engine/daemon-json.ts';
import { type ComposeRelease, composeRelease, type EngineRelease, engineRelease } from '../engine/release.ts';
import { loadDaemonTemplate } from '../engine/templates.ts';
import { chooseUnits, type UnitFile, unitFlags, unitNames } from '../engine/units.ts';
import { AirferryError } from '../errors.ts';
import type { BlobSource } from '../host/transfer.ts';
import { imageSetOf } from '../transports/image-set.ts';
import type { RandomSource } from '../transports/source.ts';

export const DEFAULT_DATA_ROOT = '/var/lib/docker';
/** Bytes of a unit file; real ones have two thousand. */
const UNIT_LIMIT = 64 * 1024;

/** The registry of the site, as hosts are to know it. */
export interface SiteRegistry {
  /** `hub.company.com`, `hub.company.com:5000` */
  address: string;
  /** For a line in /etc/hosts. */
  ip?: string;
  /** The CA certificate, PEM. */
  ca?: string;
  insecure: boolean;
}

/** daemon.json of group and host: a template over the recipe's settings, values over both. */
export interface DaemonOverlay {
  template?: string;
  values: DaemonConfig;
}

/** As much of an engine as it takes to switch to it and run it. */
export interface RunnableEngine {
  version: string;
  archive: { digest: string };
  release: EngineRelease;
  /** What is enabled and started, in this order. */
  unitNames: readonly string[];
}

export interface WantedEngine extends RunnableEngine {
  archive: BlobSource;
  /** The binaries' names. */
  components: readonly string[];
  /** The unit files for a host with this systemd. Throws UNIT_INVALID. */
  units(systemd: number): UnitFile[];
}

export interface WantedFile {
  path: string;
  /** `0644` */
  mode: string;
  blob: BlobSource;
}

export interface Wanted {
  bundle: { name: string; version: string; digest: string };
  platform: Platform;
  engine?: WantedEngine;
  compose?: { version: string; binary: BlobSource; release: ComposeRelease };
  registry?: SiteRegistry;
  files: readonly WantedFile[];
  /** Undefined where no images are wanted. */
  images?: RandomSource;
  /** The host's daemon.json over the operator's own settings there. Throws DAEMON_JSON_INVALID. */
  daemonJson(own: DaemonConfig): { text: string; warnings: string[] };
}

/** A bundle with what was read of it once for all hosts. */
export interface Cargo {
  bundle: Bundle;
  /** Text of the bundle's unit files by name. */
  units: ReadonlyMap<string, string>;
}

/** Read what all hosts need alike. Throws DIGEST_MISMATCH, BUNDLE_INVALID. */
export async function readCargo(bundle: Bundle): Promise<Cargo> {
  // Whoever packed it may not have had our recipe's rules.
  const reserved = bundle.manifest.files.find(({ path }) => isReserved(posix.normalize(path)));
  if (reserved) throw invalid(bundle, `it has a file for ${reserved.path}; ${RESERVED_HINT}`);
  const units = new Map<string, string>();
  for (const [name, blob] of Object.entries(bundle.manifest.units)) {
    const bytes = await readAll(bundle.blob(blob), UNIT_LIMIT);
    if (bytes === undefined) throw invalid(bundle, `the unit ${name} has more than ${UNIT_LIMIT} bytes`);
    units.set(name, Buffer.from(bytes).toString('utf8'));
  }
  return { bundle, units };
}

/** Everything for a host of that platform (`linux/amd64`). Throws PLATFORM_MISMATCH, BUNDLE_INVALID. */
export function wantedFor(
  cargo: Cargo,
  host: {
    platform: string;
    registry?: SiteRegistry;
    daemon?: DaemonOverlay;
    images: boolean;
    /** Names and globs of the images that it gets; undefined: all. */
    imageSet?: readonly string[];
    /** The version that it is to have; false for no engine of ours; undefined: what the bundle has. */
    engine?: string | false;
  },
): Wanted {
  const { bundle } = cargo;
  const { manifest } = bundle;
  demandEngine(bundle, host.engine);
  const engine = host.engine === false ? undefined : wantedEngine(cargo, host.platform);
  const compose = wantedCompose(bundle, host.platform);
  const images = host.images && manifest.images.length > 0 ? someImages(bundle, host.imageSet) : undefined;
  return {
    bundle: { name: manifest.name, version: manifest.version, digest: bundle.digest },
    platform: parsePlatform(host.platform),
    ...(engine ? { engine } : {}),
    ...(compose ? { compose } : {}),
    ...(host.registry ? { registry: host.registry } : {}),
    files: manifest.files
      .filter(({ platform }) => platform === undefined || canonical(platform) === host.platform)
      .map(({ path, mode, ...blob }) => ({ path, mode, blob: blobSource(bundle, blob) })),
    ...(images?.access === 'random' ? { images } : {}),
    daemonJson: own => daemonJson(own, manifest.daemon, host, engine?.version),
  };
}

function someImages(
  bundle: Bundle,
  set: readonly string[] | undefined,
): ReturnType<Bundle['images']> | undefined {
  if (set?.length === 0) return undefined;
  const images = bundle.images();
  return set && images.access === 'random' ? imageSetOf(images, set) : images;
}

/** Throws ENGINE_MISMATCH for a host that is to have another engine than the bundle carries. */
function demandEngine({ path, manifest }: Bundle, wanted: string | false | undefined): void {
  if (!wanted || manifest.engine?.version === wanted) return;
  const carried = manifest.engine
    ? `the bundle carries ${manifest.engine.version}`
    : 'the bundle carries none';
  throw new AirferryError('ENGINE_MISMATCH', `the fleet wants engine ${wanted} here, ${carried}`, {
    where: { file: path },
    suggestions: [
      `Pack a bundle with engine: { version: ${wanted} }, or change \`engine:\` in the fleet file.`,
    ],
  });
}

/** Where images will lie, as far as bundle and fleet say. */
export function dataRootOf(bundle: Bundle, daemon?: DaemonOverlay): string {
  const root = mergeDaemonJson(bundle.manifest.daemon, daemon?.values ?? {})['data-root'];
  return typeof root === 'string' && root.startsWith('/') ? root : DEFAULT_DATA_ROOT;
}

function wantedEngine({ bundle, units }: Cargo, platform: string): WantedEngine | undefined {
  const { engine } = bundle.manifest;
  if (!engine) return undefined;
  const archive = forPlatform(engine.archives, platform, `engine ${engine.version}`, bundle);
  const { version } = engine;
  return {
    version,
    archive: blobSource(bundle, archive),
    components: archive.components,
    release: engineRelease({ version, digest: archive.digest, components: archive.components }),
    unitNames: unitNames({ engine: version }),
    units: systemd =>
      chooseUnits({ engine: version, systemd }).map(choice => {
        const content = units.get(choice.source);
        if (content === undefined) throw invalid(bundle, `it lacks the unit ${choice.source}`);
        return { ...choice, content };
      }),
  };
}

function wantedCompose(bundle: Bundle, platform: string): Wanted['compose'] {
  const { compose } = bundle.manifest;
  if (!compose) return undefined;
  const binary = forPlatform(compose.binaries, platform, `compose ${compose.version}`, bundle);
  const release = composeRelease({ version: compose.version, digest: binary.digest });
  return { version: compose.version, binary: blobSource(bundle, binary), release };
}

function daemonJson(
  own: DaemonConfig,
  packed: DaemonConfig,
  { registry, daemon }: { registry?: SiteRegistry; daemon?: DaemonOverlay },
  engine = '99.0.0',
): { text: string; warnings: string[] } {
  const template = daemon?.template === undefined ? undefined : loadDaemonTemplate(daemon.template);
  const layers = [own, packed, template?.config ?? {}, daemon?.values ?? {}];
  const context = { engine, file: '/etc/docker/daemon.json', flags: unitFlags({ engine }) };
  const built = buildDaemonJson(
    registry?.insecure ? [...layers, insecureRegistry(layers, registry.address)] : layers,
    template ? { ...context, needs: template.needs } : context,
  );
  return {
    text: built.text,
    warnings: built.warnings.map(({ message, suggestion }) =>
      suggestion ? `${message}; ${suggestion}` : message,
    ),
  };
}

/** Lists replace one another when settings are merged, so the registry joins the list that would win. */
function insecureRegistry(layers: readonly DaemonConfig[], address: string): DaemonConfig {
  const list = layers.findLast(layer => Array.isArray(layer['insecure-registries']))?.['insecure-registries'];
  const known = Array.isArray(list) ? list : [];
  return { 'insecure-registries': known.includes(address) ? known : [...known, address] };
}

function canonical(platform: string): string {
  return formatPlatform(parsePlatform(platform));
}

function forPlatform<T extends { platform: string }>(
  items: readonly T[],
  platform: string,
  what: string,
  bundle: Bundle,
): T {
  const found = items.find(item => canonical(item.platform) === platform);
  if (found) return found;
  const carried = items.map(item => item.platform).join(', ');
  throw new AirferryError(
    'PLATFORM_MISMATCH',
    `the host is ${platform}, the bundle carries ${what} for ${carried}`,
    {
      where: { file: bundle.path },
      suggestions: [`Pack a bundle with platforms: [${platform}], or leave this host out.`],
    },
  );
}

/** A blob of the bundle, sent as it is: the host hashes what it gets, and if that is wrong, it is hashed here too. */
function blobSource(
  bundle: Bundle,
  { digest, size }: { digest: BlobSource['digest']; size: number },
): BlobSource {
  const name = { digest: digest as `sha256:${string}`, size };
  const absent = bundle.absent(name.digest);
  return {
    digest,
    size,
    ...(absent ? { absent } : {}),
    open: offset => bundle.blobFrom(name, offset),
    check: () => drain(bundle.blob(name)),
  };
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

function invalid(bundle: Bundle, why: string): AirferryError {
  return new AirferryError('BUNDLE_INVALID', `${bundle.path} cannot be installed: ${why}`, {
    where: { file: bundle.path },
  });
}
