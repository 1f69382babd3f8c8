/** Packing the engine's side of a recipe: archives, compose, units, daemon.json. Each input is read once. */
import type { Position } from '../config/problem.ts';
import type { Recipe } from '../config/recipe.ts';
import { inspectEngineArchive } from '../engine/archive.ts';
import { checkEngineArchive } from '../engine/archive-contents.ts';
import { inspectCompose } from '../engine/compose.ts';
import { buildDaemonJson, type DaemonConfig, mergeDaemonJson } from '../engine/daemon-json.ts';
import { type DaemonContext, validateDaemonJson } from '../engine/daemon-validate.ts';
import { loadDaemonTemplate } from '../engine/templates.ts';
import { readUnit, UNIT_SOURCES, unitFlags } from '../engine/units.ts';
import { supportedEngineVersion } from '../engine/version.ts';
import { tee } from '../support/tee.ts';
import { inRecipe } from './in-recipe.ts';
import { type InputContext, openInput } from './inputs.ts';
import { fileInput } from './local-file.ts';
import { ENGINE_TYPE, FILE_TYPE } from './manifest.ts';
import type { BundleContent, BundleWriter } from './writer.ts';

/** Bytes at the start of a binary that tell its architecture. */
const ELF_HEAD = 64;

/** The engine's archive for each platform, checked while it is stored. Throws ENGINE_INVALID, ARCHIVE_*, PLATFORM_MISMATCH. */
export async function packEngine(
  writer: BundleWriter,
  recipe: Recipe,
  context: InputContext,
): Promise<{ engine: BundleContent['engine']; warnings: string[] }> {
  const { engine } = recipe;
  const warnings: string[] = [];
  if (!engine) return { engine: undefined, warnings };
  const { version } = engine;
  await inRecipe(recipe, engine.at, () => supportedEngineVersion(version));
  const archives: NonNullable<BundleContent['engine']>['archives'] = [];
  for (const source of engine.sources) {
    await inRecipe(recipe, source.at, async () => {
      const { platform } = source;
      const input = openInput(source, { name: 'engine', version }, context);
      const { passing, copy } = tee(input.open());
      const [found, stored] = await both(
        inspectEngineArchive(copy, { name: input.name }),
        writer.putBlob({ mediaType: ENGINE_TYPE, open: () => passing }),
      );
      warnings.push(...checkEngineArchive(found, { version, platform }));
      const { digest, size } = stored.descriptor;
      archives.push({ platform, digest, size, components: found.components.map(({ name }) => name) });
    });
  }
  return { engine: { version, archives }, warnings };
}

/** The compose binary for each platform. Throws COMPOSE_INVALID, PLATFORM_MISMATCH, ARCHIVE_TRUNCATED. */
export async function packCompose(
  writer: BundleWriter,
  recipe: Recipe,
  context: InputContext,
): Promise<BundleContent['compose']> {
  const { compose } = recipe;
  if (!compose) return undefined;
  const { version } = compose;
  const binaries: NonNullable<BundleContent['compose']>['binaries'] = [];
  for (const source of compose.sources) {
    await inRecipe(recipe, source.at, async () => {
      const { platform } = source;
      const input = openInput(source, { name: 'compose', version }, context);
      let head: Uint8Array = new Uint8Array();
      async function* watched(): AsyncGenerator<Uint8Array> {
        for await (const chunk of input.open()) {
          if (head.length < ELF_HEAD) head = Buffer.concat([head, chunk.subarray(0, ELF_HEAD - head.length)]);
          yield chunk;
        }
      }
      const { descriptor } = await writer.putBlob({ mediaType: FILE_TYPE, open: watched });
      inspectCompose(head, { name: input.name, size: descriptor.size, version, platform });
      binaries.push({ platform, digest: descriptor.digest, size: descriptor.size });
    });
  }
  return { version, binaries };
}

/** Every unit file, since which of them a host gets depends on its systemd; the recipe's own in place of ours. */
export async function packUnits(
  writer: BundleWriter,
  recipe: Recipe,
  context: InputContext,
): Promise<BundleContent['units']> {
  const units: BundleContent['units'] = {};
  if (!recipe.engine) return units;
  for (const name of UNIT_SOURCES) {
    const own = recipe.units.find(unit => unit.name === name);
    const { digest, size } = own
      ? await inRecipe(recipe, own.at, async () => {
          const put = await writer.putBlob({
            mediaType: FILE_TYPE,
            open: () => fileInput(own.path, context.meter).open(),
          });
          return put.descriptor;
        })
      : await writer.putBytes(FILE_TYPE, Buffer.from(readUnit(name)));
    units[name] = { digest, size };
  }
  return units;
}

/**
 * daemon.json as template and values make it, checked against the engine. Keys that a template leaves to the site may
 * still come from the fleet, so they are asked for when a host is installed. Throws DAEMON_JSON_INVALID, TEMPLATE_INVALID.
 */
export async function packDaemonJson(
  recipe: Recipe,
): Promise<{ daemon: BundleContent['daemon']; warnings: string[] }> {
  const { daemon, engine } = recipe;
  if (!engine) return { daemon: {}, warnings: [] };
  const template = daemon?.template ?? 'default';
  const layers = await inRecipe(recipe, daemon?.at ?? engine.at, (): DaemonConfig[] => [
    loadDaemonTemplate(template).config,
    daemon?.values ?? {},
  ]);
  const context = { engine: engine.version, flags: unitFlags({ engine: engine.version }) };
  const built = await inRecipe(recipe, placeOfMistake(recipe, layers, context) ?? engine.at, () =>
    buildDaemonJson(layers, context),
  );
  const warnings = built.warnings.map(({ message, suggestion }) =>
    suggestion ? `${message}: ${suggestion}` : message,
  );
  return { daemon: built.config as BundleContent['daemon'], warnings };
}

/** Where the recipe gives the first key that is wrong. */
function placeOfMistake(
  { daemon }: Recipe,
  layers: DaemonConfig[],
  context: DaemonContext,
): Position | undefined {
  const mistake = validateDaemonJson(mergeDaemonJson(...layers), context).find(
    ({ severity }) => severity === 'error',
  );
  const key = mistake?.key.split('/', 1)[0];
  return (key === undefined ? undefined : daemon?.keys[key]) ?? daemon?.at;
}

/** Wait for the inspection of a stream and for its storing; what the inspection says comes first. */
async function both<A, B>(inspection: Promise<A>, storing: Promise<B>): Promise<[A, B]> {
  const [inspected, stored] = await Promise.allSettled([inspection, storing]);
  if (inspected.status === 'rejected') throw inspected.reason;
  if (stored.status === 'rejected') throw stored.reason;
  return [inspected.value, stored.value];
}
