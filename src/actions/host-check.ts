/** `host check`: would an install succeed here? Every finding with its fix; nothing is changed, and no lock taken. */
import { Bundle } from '../bundle/open.ts';
import type { Shell } from '../host/shell.ts';
import { emptyState } from '../host/state.ts';
import { preflightError } from '../phases/check-host.ts';
import { checkHost } from '../phases/checks/check.ts';
import type { CheckInput } from '../phases/checks/input.ts';
import { gather, surveyFor } from '../phases/gather-facts.ts';
import { spaceNeeded } from '../phases/space-needed.ts';
import {
  type Cargo,
  DEFAULT_DATA_ROOT,
  dataRootOf,
  readCargo,
  type Wanted,
  wantedFor,
} from '../phases/wanted.ts';
import type { HostCheckOptions, HostCheckResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';

/** Check every host of the fleet. Throws for the bundle alone: FILE_NOT_FOUND, BUNDLE_INVALID, DIGEST_MISMATCH. */
export async function hostCheck(options: HostCheckOptions): Promise<HostCheckResult> {
  const bundle = options.bundle === undefined ? undefined : Bundle.open(options.bundle);
  try {
    const cargo = bundle && (await readCargo(bundle));
    const hosts = await onEveryHost(options, {}, async run => {
      await run.connected(undefined, shell => check(run, shell, cargo, options));
      return {};
    });
    return { hosts, dryRun: false };
  } finally {
    bundle?.close();
  }
}

async function check(
  run: HostRun,
  shell: Shell,
  cargo: Cargo | undefined,
  options: HostCheckOptions,
): Promise<void> {
  const input = await run.step('gather-facts', () => look(run, shell, cargo, options));
  await run.step('check-host', async () => {
    run.findings.push(...checkHost(input));
    const error = preflightError(shell.target, run.findings);
    if (error) throw error;
  });
}

async function look(
  run: HostRun,
  shell: Shell,
  cargo: Cargo | undefined,
  { fleet: { registry } }: HostCheckOptions,
): Promise<CheckInput> {
  const { daemon } = run.member;
  const dataRoot = cargo ? dataRootOf(cargo.bundle, daemon) : DEFAULT_DATA_ROOT;
  const { facts, recorded } = await gather(shell, dataRoot);
  const platforms = cargo?.bundle.manifest.platforms;
  const asked: CheckInput = { facts, dataRoot };
  if (platforms) asked.platforms = platforms;
  if (registry) asked.registry = registry;
  if (recorded) asked.state = recorded;
  if (facts.privilege.how === 'none') return asked;
  let wanted: Wanted | undefined;
  if (cargo && facts.platform !== undefined && platforms?.includes(facts.platform)) {
    const site = { ...(registry ? { registry } : {}), ...(daemon ? { daemon } : {}) };
    wanted = wantedFor(cargo, { platform: facts.platform, images: true, ...site });
  }
  const survey = await surveyFor(shell, recorded, wanted);
  if (!wanted) return { ...asked, survey };
  const space = await spaceNeeded({ wanted, survey, state: recorded ?? emptyState() });
  return { ...asked, survey, wanted, space };
}
