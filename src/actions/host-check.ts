/** `host check`: would an install succeed here? Every finding with its fix; unless it is to fix, nothing is changed, and no lock taken. */
import { trustOf } from '../bundle/sign/trust.ts';
import { openTrusted } from '../bundle/sign/trusted.ts';
import { audit } from '../host/audit.ts';
import type { Shell } from '../host/shell.ts';
import { emptyState } from '../host/state.ts';
import { preflightError } from '../phases/check-host.ts';
import { checkHost } from '../phases/checks/check.ts';
import { type SeenHost, tellTwins } from '../phases/checks/fleet.ts';
import type { CheckInput } from '../phases/checks/input.ts';
import { enableIpForward } from '../phases/enable-ip-forward.ts';
import { gather, surveyFor } from '../phases/gather-facts.ts';
import { loadModules, MODULES_FILE } from '../phases/load-modules.ts';
import type { HostContext, Phase } from '../phases/phase.ts';
import { spaceNeeded } from '../phases/space-needed.ts';
import {
  type Cargo,
  DEFAULT_DATA_ROOT,
  dataRootOf,
  readCargo,
  type Wanted,
  wantedFor,
} from '../phases/wanted.ts';
import { wishesOf } from './fleet.ts';
import type { HostCheckOptions, HostCheckResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';

/** What `fix` does: each phase is one that hosts can do without, and that an uninstall undoes. */
const FIXES: readonly Phase[] = [enableIpForward, loadModules];

/** Check every host of the fleet. Throws for the bundle and the trusted keys alone, as `hostInstall`. */
export async function hostCheck(options: HostCheckOptions): Promise<HostCheckResult> {
  const { fix = false, dryRun = false } = options;
  const bundle =
    options.bundle === undefined
      ? undefined
      : openTrusted(options.bundle, options.from ?? {}, await trustOf(options)).bundle;
  try {
    const cargo = bundle && (await readCargo(bundle));
    const seen: SeenHost[] = [];
    const lock = fix && !dryRun ? { purpose: 'host check --fix' } : undefined;
    const hosts = await onEveryHost(options, {}, async run => {
      await run.connected(lock, shell => check(run, shell, cargo, options, seen));
      return {};
    });
    tellTwins(hosts, seen);
    return { hosts, dryRun };
  } finally {
    bundle?.close();
  }
}

async function check(
  run: HostRun,
  shell: Shell,
  cargo: Cargo | undefined,
  options: HostCheckOptions,
  seen: SeenHost[],
): Promise<void> {
  const ask = (): Promise<CheckInput> => run.step('gather-facts', () => look(run, shell, cargo, options));
  let input = await ask();
  if (options.fix && (await fix(run, shell, input, options))) input = await ask();
  seen.push({ name: run.name, facts: input.facts });
  await run.step('check-host', async () => {
    run.findings.push(...checkHost(input));
    const error = preflightError(shell.target, run.findings);
    if (error) throw error;
  });
}

/** Whether anything is now different from what was looked at. */
async function fix(
  run: HostRun,
  shell: Shell,
  { facts, survey, wanted, state = emptyState() }: CheckInput,
  { dryRun = false, signal }: HostCheckOptions,
): Promise<boolean> {
  if (!survey || !wanted) return false;
  const context: HostContext = {
    ...{ shell, facts, survey, wanted, dryRun, state, findings: [], done: [] },
    ...(signal ? { signal } : {}),
  };
  for (const phase of FIXES) await run.phase(phase, context);
  if (dryRun || context.done.length === 0) return false;
  await audit(
    shell,
    context.done.map(({ what, ...rest }) => ({ ...rest, action: what, result: 'changed' })),
  );
  return true;
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
    const site = { ...(registry ? { registry } : {}), ...wishesOf(run.member) };
    wanted = wantedFor(cargo, { platform: facts.platform, images: true, ...site });
  }
  const survey = await surveyFor(shell, recorded, wanted, { paths: [MODULES_FILE] });
  if (!wanted) return { ...asked, survey };
  const space = await spaceNeeded({ wanted, survey, state: recorded ?? emptyState() });
  return { ...asked, survey, wanted, space };
}
