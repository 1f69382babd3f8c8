/**
 * Images into a runtime, each in the way that moves least: what Docker's own store has is left out of an archive; every
 * other store takes whole archives only, and pulls instead what it lacks. Where a host forbids the forwarding that
 * pulling needs, an archive goes after all, and the reason is told.
 */
import { AirferryError, isAirferryError } from '../errors.ts';
import { formatBytes, plural } from '../support/format.ts';
import { refuseAbsent, usesOfLayers } from '../transports/absent.ts';
import type { EngineStore, ImageLoad } from '../transports/docker-load.ts';
import type { SourceLayer } from '../transports/source.ts';
import { readsZstd, zstdRefused } from '../transports/zstd-layers.ts';
import { checkLoaded, loadFailed } from './check-loaded.ts';
import { archiveInto, type Loading } from './load-archive.ts';
import type { Reporter } from './phase.ts';
import { isPullable } from './pull-content.ts';
import { PullDoor } from './pull-door.ts';
import type { Via } from './runtimes/runtime.ts';

/** One image, and what becomes of it; in a dry run, what would. */
export interface LoadedImage {
  names: string[];
  /** What the runtime knows it by; absent before a load where only the runtime can tell. */
  id?: string;
  via: Via;
  /** How many it has. Absent, like the bytes, for what came in an archive that was compressed as a whole. */
  layers?: number;
  /** Bytes sent for it, without what SSH and HTTP add; in a dry run those of the layers that are expected to travel. */
  bytes?: number;
  /** Bytes of its layers, as the source stores them, that did not have to travel. */
  spared?: number;
}

export interface LoaderOptions extends Loading {
  store: EngineStore;
  via: Via | 'auto';
  /** The source, for messages. */
  source: string;
  report: Pick<Reporter, 'note'>;
}

export interface PlannedLoad {
  load: ImageLoad;
  via: Via;
}

export class ImageLoader implements AsyncDisposable {
  readonly #options: LoaderOptions;
  #door: PullDoor | undefined;

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  /**
   * Decide how each image goes; a port is forwarded to find out whether it may be. Throws HOST_FORWARDING where pulling
   * is asked for and the host forbids it, LOAD_FAILED where the runtime or the image leaves no way, BUNDLE_BASE_MISSING for
   * layers that nobody has.
   */
  async plan(loads: readonly ImageLoad[]): Promise<PlannedLoad[]> {
    const planned = await this.#decide(loads);
    const { source, shell } = this.#options;
    const travelling = planned.flatMap(({ load, via }) => (via === 'pull' ? load.missing : load.send));
    refuseAbsent(source, travelling, `${shell.target.name} lacks them`, usesOfLayers(loads));
    return planned;
  }

  async #decide(loads: readonly ImageLoad[]): Promise<PlannedLoad[]> {
    const planned = loads.map(load => ({ load, via: this.#wanted(load) }));
    if (!planned.some(({ via }) => via === 'pull')) return planned;
    const refusal = await this.#open();
    if (!refusal) return planned;
    const { via, runtime, report } = this.#options;
    if (via === 'pull' || runtime.loadScript === undefined) throw refusal;
    report.note(`${refusal.message}; whole archives are sent instead`);
    return loads.map(load => ({ load, via: 'archive' }));
  }

  /** Load one image, and check that it is there. Throws LOAD_FAILED, HOST_DISK_FULL, DIGEST_MISMATCH. */
  async load({ load, via }: PlannedLoad, onBytes: (bytes: number) => void): Promise<LoadedImage> {
    if (via === 'archive') return this.#archive(load, onBytes);
    try {
      return await this.#pull(load, onBytes);
    } catch (error) {
      const { runtime, report } = this.#options;
      const another = this.#options.via === 'auto' && runtime.loadScript !== undefined;
      if (!another || !isAirferryError(error, 'LOAD_FAILED')) throw error;
      report.note(`${error.message}; it is sent as an archive instead`);
      return this.#archive(load, onBytes);
    }
  }

  /** Give the forwarded port back. */
  async close(): Promise<void> {
    await this.#door?.close();
    this.#door = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wanted(load: ImageLoad): Via {
    const { shell, runtime, store, via, report } = this.#options;
    if (via === 'pull' && !readsZstd(store) && load.missing.some(({ compression }) => compression === 'zstd'))
      throw zstdRefused(load.names[0] ?? '', store, { host: shell.target.name }, [
        'As an archive they are unpacked on the way: --via archive.',
      ]);
    if (via !== 'auto') return via;
    const expected = expectedVia(load, store);
    if (runtime.loadScript === undefined) return 'pull';
    if (expected === 'archive' && store.kind !== 'classic')
      report.note(`${load.names[0]} goes to ${shell.target.name} as an archive: its layers have no digests`);
    return expected;
  }

  async #open(): Promise<AirferryError | undefined> {
    try {
      this.#door ??= await PullDoor.open(this.#options.shell, this.#options.source);
      return undefined;
    } catch (error) {
      if (isAirferryError(error, 'HOST_FORWARDING')) return error;
      throw error;
    }
  }

  async #archive(load: ImageLoad, onBytes: (bytes: number) => void): Promise<LoadedImage> {
    const { shell, runtime, report } = this.#options;
    const { said, bytes } = await archiveInto(this.#options, load, onBytes);
    const id = await checkLoaded(shell, runtime, load, said);
    if (runtime.name === 'docker')
      for (const line of said.split('\n').filter(line => !/^Loaded image|^$/.test(line.trim())))
        report.note(line.trim());
    return { ...foretold({ load, via: 'archive' }), id, bytes };
  }

  async #pull(load: ImageLoad, onBytes: (bytes: number) => void): Promise<LoadedImage> {
    const { shell, runtime, signal } = this.#options;
    if (!this.#door) throw new AirferryError('INTERNAL', 'a load was not planned');
    let bytes = 0;
    const count = (more: number): void => {
      bytes += more;
      onBytes(bytes);
    };
    const said = await this.#door.serve(load, count, async reference => {
      const result = await shell.run(runtime.pullScript(reference, load.names), {
        root: true,
        check: false,
        title: `pull into ${runtime.title}`,
        ...(signal ? { signal } : {}),
      });
      const words = withoutPort(`${result.stdout}${result.stderr}`, reference);
      if (result.status === 0) return words;
      throw loadFailed(
        shell,
        runtime,
        load.names,
        `${runtime.title} could not pull it, status ${result.status}`,
        words,
      );
    });
    const id = await checkLoaded(shell, runtime, load, said);
    return {
      ...foretold({ load, via: 'pull' }),
      id,
      bytes,
      spared: Math.max(0, sizeOf(load.layers) - bytes),
    };
  }
}

/** How an image goes where nothing else is asked for and nothing forbids it. */
export function expectedVia(load: ImageLoad, { kind }: Pick<EngineStore, 'kind'>): Via {
  return kind === 'classic' || !isPullable(load) ? 'archive' : 'pull';
}

/** What is known of a load before it. */
export function foretold({ load, via }: PlannedLoad): Required<Omit<LoadedImage, 'id'>> & { id?: string } {
  const travelling = via === 'pull' ? load.missing : load.send;
  return {
    names: load.names,
    ...(load.id ? { id: load.id } : {}),
    via,
    layers: load.image.layers.length,
    bytes: sizeOf(travelling),
    spared: sizeOf(load.layers) - sizeOf(travelling),
  };
}

/** `load nginx:1.25 (12.3 MB; 4 of 5 layers there already)` */
export function describeLoad({ load, via }: PlannedLoad): string {
  const { names, image } = load;
  const travelling = via === 'pull' ? load.missing : load.send;
  const there = via === 'pull' ? image.layers.length - occurrences(load, travelling) : load.leftOut;
  const known = there > 0 ? `; ${there} of ${plural(image.layers.length, 'layer')} there already` : '';
  const how = via === 'pull' ? 'pull' : 'load';
  return `${how} ${names.join(', ')} (${formatBytes(sizeOf(travelling))}${known})`;
}

/** How many layers of an image these are, which may have one of them more than once. */
function occurrences({ image }: ImageLoad, layers: readonly SourceLayer[]): number {
  const keys = new Set(layers.map(({ key }) => key));
  return image.layers.filter(({ key }) => keys.has(key)).length;
}

function sizeOf(layers: readonly SourceLayer[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

/** What a runtime says, without the name that the image bore while it was pulled, which tells the operator nothing. */
function withoutPort(text: string, reference: string): string {
  return text.replaceAll(reference, 'the image').trim();
}
