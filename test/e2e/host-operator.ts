/**
 * The operator's side of the host tests, run in the operator's network: does the action that stdin (JSON) asks for, and
 * tells its events and its result as JSON lines. `act` is how a test starts it.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { FleetMember, SiteRegistry } from '../../src/actions/fleet.ts';
import { hostCheck } from '../../src/actions/host-check.ts';
import type { HostEvent } from '../../src/actions/host-events.ts';
import { hostInstall } from '../../src/actions/host-install.ts';
import type { HostResult, HostStatus, ImageLoadHost } from '../../src/actions/host-results.ts';
import { hostRollback } from '../../src/actions/host-rollback.ts';
import { hostStatus } from '../../src/actions/host-status.ts';
import { summaryError } from '../../src/actions/host-summary.ts';
import { hostUninstall } from '../../src/actions/host-uninstall.ts';
import { imageLoad } from '../../src/actions/image-load.ts';
import { AirferryError, type ErrorCode } from '../../src/errors.ts';
import { Secret } from '../../src/host/secret.ts';
import { hostTarget } from '../../src/host/target.ts';
import type { RuntimeName, Via } from '../../src/phases/runtimes/runtime.ts';
import type { DaemonOverlay } from '../../src/phases/wanted.ts';
import type { Lab } from '../lab/lab.ts';
import { USERS } from '../lab/rootfs.ts';

export interface Who {
  name: string;
  address: string;
  user?: string;
  identity?: string;
  sudoPassword?: string;
  daemon?: DaemonOverlay;
}

export interface Request {
  action: 'install' | 'check' | 'status' | 'uninstall' | 'load' | 'rollback';
  hosts: Who[];
  knownHosts: string;
  bundle?: string;
  source?: string;
  registry?: SiteRegistry;
  runtime?: RuntimeName | 'auto';
  via?: Via | 'auto';
  dryRun?: boolean;
  /** Default 0: a lost connection is a failure. */
  reconnectMs?: number;
  purge?: boolean;
  stopContainers?: boolean;
  allowDowngrade?: boolean;
  adopt?: boolean;
  /** False: `--no-rollback`. */
  rollback?: boolean;
  to?: string;
}

/** A host's result with its error as plain data. */
export type Told = Omit<HostStatus, 'error'> &
  Partial<Pick<ImageLoadHost, 'images' | 'runtime'>> & {
    error?: { code: ErrorCode; message: string; suggestions: string[] };
  };

export interface Answer {
  hosts: Told[];
  /** The code of the error that the command line would end with. */
  summary?: ErrorCode;
  /** Where the whole action failed. */
  thrown?: ErrorCode;
  /** Peak memory in bytes. */
  rss: number;
}

export interface Acting {
  child: ChildProcess;
  answer: Promise<Answer>;
}

/** Start an action as the user `ops`, with the lab's key; `onEvent` sees what it tells meanwhile. */
export function start(
  lab: Lab,
  request: Omit<Request, 'knownHosts' | 'hosts'> & { knownHosts?: string; hosts: readonly (string | Who)[] },
  onEvent: (event: HostEvent) => void = () => undefined,
): Acting {
  const hosts = request.hosts.map(
    (host): Who => ({
      identity: lab.keyFile,
      sudoPassword: USERS.ops.password,
      ...(typeof host === 'string' ? { name: host, address: lab.host(host).address } : host),
    }),
  );
  const child = lab.spawn([process.execPath, new URL(import.meta.url).pathname, 'act'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin?.end(JSON.stringify({ knownHosts: lab.knownHosts, ...request, hosts }));
  const answer = (async (): Promise<Answer> => {
    let last: Answer | undefined;
    if (child.stdout === null) throw new Error('no stdout');
    for await (const line of createInterface(child.stdout)) {
      const told = JSON.parse(line) as { event: HostEvent } | { answer: Answer };
      if ('event' in told) onEvent(told.event);
      else last = told.answer;
    }
    if (!last) throw new Error('the operator ended without an answer');
    return last;
  })();
  return { child, answer };
}

/** `start`, to its end. */
export function act(...args: Parameters<typeof start>): Promise<Answer> {
  return start(...args).answer;
}

/** The result of one host. */
export function resultOf(answer: Answer, name: string): Told {
  const found = answer.hosts.find(host => host.name === name);
  if (!found) throw new Error(`no result for ${name}: ${JSON.stringify(answer)}`);
  return found;
}

function member({ name, address, user = 'ops', identity, sudoPassword, daemon }: Who): FleetMember {
  const target = hostTarget(
    {
      name,
      address,
      user,
      identities: identity === undefined ? [] : [identity],
      ...(sudoPassword === undefined ? {} : { sudoPassword: new Secret(sudoPassword) }),
    },
    {},
  );
  return daemon ? { target, daemon } : { target };
}

async function perform(request: Request): Promise<{ hosts: HostResult[] }> {
  const { action, knownHosts, registry, bundle = '', source = '', ...rest } = request;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const options = {
    fleet: { members: request.hosts.map(member), ...(registry ? { registry } : {}) },
    knownHosts: { files: [knownHosts], acceptNew: false },
    connectTimeoutMs: 8_000,
    // A machine that is busy with other labs answers late, too.
    keepaliveMs: 2_000,
    reconnectMs: rest.reconnectMs ?? 0,
    signal: stop.signal,
    onEvent: (event: HostEvent) => tell({ event }),
    ...(rest.dryRun === undefined ? {} : { dryRun: rest.dryRun }),
  };
  switch (action) {
    case 'install':
      return hostInstall({
        ...options,
        bundle,
        allowDowngrade: rest.allowDowngrade ?? false,
        adopt: rest.adopt ?? false,
        rollback: rest.rollback ?? true,
      });
    case 'rollback':
      return hostRollback(rest.to === undefined ? options : { ...options, to: rest.to });
    case 'check':
      return hostCheck(bundle === '' ? options : { ...options, bundle });
    case 'status':
      return hostStatus(options);
    case 'uninstall':
      return hostUninstall({
        ...options,
        purge: rest.purge ?? false,
        stopContainers: rest.stopContainers ?? false,
      });
    case 'load':
      return imageLoad({
        ...options,
        source,
        ...(rest.runtime ? { runtime: rest.runtime } : {}),
        ...(rest.via ? { via: rest.via } : {}),
      });
  }
}

function tell(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(request: Request): Promise<void> {
  const rss = (): number => process.resourceUsage().maxRSS * 1024;
  try {
    const { hosts } = await perform(request);
    const plain = hosts.map(({ error, ...host }) => ({
      ...host,
      ...(error
        ? { error: { code: error.code, message: error.message, suggestions: error.suggestions } }
        : {}),
    }));
    const summary = summaryError({ hosts }, names => `again ${names.join(' ')}`)?.code;
    tell({ answer: { hosts: plain, ...(summary ? { summary } : {}), rss: rss() } });
  } catch (error) {
    if (!(error instanceof AirferryError)) throw error;
    tell({ answer: { hosts: [], thrown: error.code, rss: rss() } });
  }
}

if (process.argv[2] === 'act') await main(JSON.parse(readFileSync(0, 'utf8')) as Request);
