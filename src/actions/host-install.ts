/** `host install`: make every host what the bundle and the fleet say. The first run installs, the next changes nothing. */
import { Bundle } from '../bundle/open.ts';
import { demandSignature } from '../bundle/sign/check.ts';
import { trustedKeys } from '../bundle/sign/trust.ts';
import { AirferryError } from '../errors.ts';
import type { Shell } from '../host/shell.ts';
import { emptyState } from '../host/state.ts';
import { checkPhase } from '../phases/check-host.ts';
import { copyFiles } from '../phases/copy-files.ts';
import { createDockerGroup } from '../phases/create-docker-group.ts';
import { enableIpForward } from '../phases/enable-ip-forward.ts';
import { gather, surveyFor } from '../phases/gather-facts.ts';
import { installCompose } from '../phases/install-compose.ts';
import { layOutRelease } from '../phases/lay-out-release.ts';
import { loadImages } from '../phases/load-images.ts';
import type { HostContext, Phase } from '../phases/phase.ts';
import { recordState } from '../phases/record-state.ts';
import { stageEngine } from '../phases/stage-engine.ts';
import { startEngine } from '../phases/start-engine.ts';
import { switchRelease } from '../phases/switch-release.ts';
import { trustRegistry } from '../phases/trust-registry.ts';
import { waitReady } from '../phases/wait-ready.ts';
import { type Cargo, dataRootOf, readCargo, wantedFor } from '../phases/wanted.ts';
import { writeDaemonJson } from '../phases/write-daemon-json.ts';
import { writeUnits } from '../phases/write-units.ts';
import type { HostInstallOptions, HostInstallResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';

/** After the check, in this order: nothing that runs is touched before all that it needs lies ready. */
const PHASES_IN_ORDER: readonly Phase[] = [
  stageEngine,
  layOutRelease,
  installCompose,
  createDockerGroup,
  writeUnits,
  writeDaemonJson,
  trustRegistry,
  enableIpForward,
  copyFiles,
  switchRelease,
  startEngine,
  waitReady,
  loadImages,
  recordState,
];

/**
 * Install on every host of the fleet. Throws for the bundle and the trusted keys alone: FILE_NOT_FOUND, BUNDLE_INVALID,
 * DIGEST_MISMATCH, SIGNATURE_*, KEY_INVALID.
 */
export async function hostInstall(options: HostInstallOptions): Promise<HostInstallResult> {
  const { dryRun = false } = options;
  const bundle = Bundle.open(options.bundle);
  try {
    demandSignature(bundle, await trustedKeys(options.trustedKeys));
    const cargo = await readCargo(bundle);
    const lock = dryRun ? undefined : { purpose: 'host install' };
    const hosts = await onEveryHost(options, {}, async run => {
      await run.connected(lock, shell => install(run, shell, cargo, options));
      return {};
    });
    const { name, version } = bundle.manifest;
    return { hosts, dryRun, bundle: { name, version, digest: bundle.digest } };
  } finally {
    bundle.close();
  }
}

async function install(run: HostRun, shell: Shell, cargo: Cargo, options: HostInstallOptions): Promise<void> {
  const dataRoot = dataRootOf(cargo.bundle, run.member.daemon);
  const { context, recorded } = await run.step('gather-facts', () =>
    prepare(run, shell, cargo, options, dataRoot),
  );
  await run.phase(checkPhase(recorded, dataRoot), context);
  for (const phase of PHASES_IN_ORDER) await run.phase(phase, context);
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
  const { daemon } = run.member;
  const wanted = wantedFor(cargo, {
    platform: facts.platform,
    images: !skipImages,
    ...(fleet.registry ? { registry: fleet.registry } : {}),
    ...(daemon ? { daemon } : {}),
  });
  const survey = await surveyFor(shell, recorded, wanted);
  const state = recorded ?? emptyState();
  const { findings } = run;
  const context: HostContext = { shell, facts, survey, wanted, dryRun, findings, done: [], state };
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
