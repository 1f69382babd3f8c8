/** `host install`: make every host what the bundle and the fleet say. The first run installs, the next changes nothing. */
import { trustOf } from '../bundle/sign/trust.ts';
import { openTrusted } from '../bundle/sign/trusted.ts';
import { AirferryError, type ErrorCode, isAirferryError } from '../errors.ts';
import type { Shell } from '../host/shell.ts';
import { emptyState } from '../host/state.ts';
import { adoptDocker } from '../phases/adopt-docker.ts';
import { assertAtHand } from '../phases/check-at-hand.ts';
import { checkHealth } from '../phases/check-health.ts';
import { checkPhase } from '../phases/check-host.ts';
import { checkFleet, type SeenHost, tellTwins } from '../phases/checks/fleet.ts';
import { copyFiles } from '../phases/copy-files.ts';
import { createDockerGroup } from '../phases/create-docker-group.ts';
import { enableIpForward } from '../phases/enable-ip-forward.ts';
import { gather, surveyFor } from '../phases/gather-facts.ts';
import { installCompose } from '../phases/install-compose.ts';
import { installImpact } from '../phases/install-impact.ts';
import { keepPrevious } from '../phases/keep-previous.ts';
import { layOutRelease } from '../phases/lay-out-release.ts';
import { loadImages } from '../phases/load-images.ts';
import type { HostContext, Phase } from '../phases/phase.ts';
import { pruneReleases } from '../phases/prune-releases.ts';
import { recordState } from '../phases/record-state.ts';
import { stageEngine } from '../phases/stage-engine.ts';
import { startEngine } from '../phases/start-engine.ts';
import { switchRelease } from '../phases/switch-release.ts';
import { trustRegistry } from '../phases/trust-registry.ts';
import { validateConfig } from '../phases/validate-config.ts';
import { waitReady } from '../phases/wait-ready.ts';
import { type Cargo, dataRootOf, readCargo, wantedFor } from '../phases/wanted.ts';
import { writeDaemonJson } from '../phases/write-daemon-json.ts';
import { writeUnits } from '../phases/write-units.ts';
import { wishesOf } from './fleet.ts';
import type { HostInstallOptions, HostInstallResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';
import { canRollBack, rollBack } from './roll-back.ts';

/** After the check, in this order: nothing that runs is touched before all that it needs lies ready. */
const PREPARE: readonly Phase[] = [stageEngine, layOutRelease, validateConfig, keepPrevious(installImpact)];

const CONFIGURE: readonly Phase[] = [
  installCompose,
  createDockerGroup,
  writeUnits,
  writeDaemonJson,
  trustRegistry,
  enableIpForward,
  copyFiles,
  switchRelease,
];

/** What fails here is undone. */
const ON_TRIAL: readonly Phase[] = [startEngine, waitReady, checkHealth()];

const AFTER: readonly Phase[] = [loadImages, pruneReleases, recordState];

/**
 * Install on every host of the fleet. Throws for the bundle and the trusted keys alone: FILE_NOT_FOUND, BUNDLE_INVALID,
 * DIGEST_MISMATCH, SIGNATURE_*, KEY_INVALID.
 */
export async function hostInstall(options: HostInstallOptions): Promise<HostInstallResult> {
  const { dryRun = false } = options;
  const { bundle, signature } = openTrusted(options.bundle, options.from ?? {}, await trustOf(options));
  try {
    const cargo = await readCargo(bundle);
    const lock = dryRun ? undefined : { purpose: 'host install' };
    const seen: SeenHost[] = [];
    const hosts = await onEveryHost(options, {}, async run => {
      await run.connected(lock, shell => install(run, shell, cargo, options, seen));
      return {};
    });
    tellTwins(hosts, seen);
    const { name, version } = bundle.manifest;
    return { hosts, dryRun, bundle: { name, version, digest: bundle.digest, signature } };
  } finally {
    bundle.close();
  }
}

async function install(
  run: HostRun,
  shell: Shell,
  cargo: Cargo,
  options: HostInstallOptions,
  seen: SeenHost[],
): Promise<void> {
  const dataRoot = dataRootOf(cargo.bundle, run.member.daemon);
  const { context, recorded } = await run.step('gather-facts', () =>
    prepare(run, shell, cargo, options, dataRoot),
  );
  const { allowDowngrade = false, adopt = false, rollback = true } = options;
  seen.push({ name: run.name, facts: context.facts });
  const twins = checkFleet(seen).get(run.name);
  await run.phase(checkPhase(recorded, dataRoot, { allowDowngrade, adopt }, twins), context);
  for (const phase of [...PREPARE, adoptDocker(adopt), ...CONFIGURE]) await run.phase(phase, context);
  try {
    for (const phase of ON_TRIAL) await run.phase(phase, context);
  } catch (error) {
    throw rollback ? await undone(run, context, error) : error;
  }
  for (const phase of AFTER) await run.phase(phase, context);
}

/** The error for a change that failed, after the host has been brought back to what it was; as it is where that is not possible. */
async function undone(run: HostRun, context: HostContext, failure: unknown): Promise<unknown> {
  const { shell, facts, state, signal } = context;
  const to = state.trial?.from;
  if (!isAirferryError(failure) || context.dryRun || !canRollBack(failure)) return failure;
  if (!to)
    return withAdvice(failure, 'Or undo it: airferry host uninstall brings back what was there before.');
  const version = to.release.version;
  try {
    await rollBack(run, { shell, facts, state, to, unasked: true, ...(signal ? { signal } : {}) });
  } catch (second) {
    const why = second instanceof Error ? second.message : String(second);
    const message = `${failure.message}\nThe way back to engine ${version} failed too: ${why}`;
    return withMessage(failure, failure.code, message, [
      'When the cause is mended: airferry host rollback, or the same command again.',
    ]);
  }
  const message = `${failure.message}\nThe host is back on engine ${version} and the configuration that it had`;
  return withMessage(failure, 'ROLLED_BACK', message, [
    'With --no-rollback the host is left as it is then, to be looked at.',
  ]);
}

function withAdvice(error: AirferryError, advice: string): AirferryError {
  return withMessage(error, error.code, error.message, [advice]);
}

function withMessage(
  error: AirferryError,
  code: ErrorCode,
  message: string,
  advice: string[],
): AirferryError {
  const { where, suggestions, cause } = error;
  return new AirferryError(code, message, { where, suggestions: [...suggestions, ...advice], cause });
}

async function prepare(
  run: HostRun,
  shell: Shell,
  cargo: Cargo,
  { dryRun = false, skipImages = false, signal, fleet }: HostInstallOptions,
  dataRoot: string,
): Promise<{ context: HostContext; recorded: HostContext['state'] | undefined }> {
  const { facts, recorded } = await gather(shell, dataRoot);
  if (facts.privilege.how === 'none') throw facts.privilege.problem;
  if (facts.platform === undefined) throw noPlatform(facts.machine);
  const wanted = wantedFor(cargo, {
    platform: facts.platform,
    images: !skipImages,
    ...(fleet.registry ? { registry: fleet.registry } : {}),
    ...wishesOf(run.member),
  });
  const survey = await surveyFor(shell, recorded, wanted, { trustInodes: true });
  const state = recorded ?? emptyState();
  const { findings } = run;
  const context: HostContext = { shell, facts, survey, wanted, dryRun, findings, done: [], state };
  await assertAtHand(context);
  return { context: signal ? { ...context, signal } : context, recorded };
}

function noPlatform(machine: string): AirferryError {
  return new AirferryError(
    'PLATFORM_MISMATCH',
    `the host is a ${machine}, for which there is no Docker engine`,
    {
      suggestions: ['Leave this host out.'],
    },
  );
}
