/** What goes into the host actions and what comes out, as plain data. */

import type { SignatureState } from '../bundle/sign/check.ts';
import type { TrustOptions } from '../bundle/sign/trust.ts';
import type { EngineAnswer } from '../engine/info.ts';
import type { AirferryError } from '../errors.ts';
import type { Ask } from '../host/ask.ts';
import type { KnownHostsPolicy } from '../host/handshake.ts';
import type { Drift } from '../phases/drift.ts';
import type { Finding } from '../phases/finding.ts';
import type { LoadedImage } from '../phases/image-loader.ts';
import type { Component, Disk } from '../phases/inspect-engine.ts';
import type { PhaseName } from '../phases/names.ts';
import type { RuntimeName, Via } from '../phases/runtimes/runtime.ts';
import type { BundleFrom } from '../transports/oci/bundle-store.ts';
import type { SiteFleet } from './fleet.ts';
import type { OnHostEvent } from './host-events.ts';
import type { Waves } from './waves.ts';

/** Of every action on hosts. */
export interface HostsOptions {
  /** Out of `resolveFleet`. */
  fleet: SiteFleet;
  knownHosts: KnownHostsPolicy;
  /** Hosts at work at once. Default 10. */
  parallel?: number;
  /** Default: all hosts in one wave, and a failure holds none of the others back. */
  waves?: Waves;
  /** Milliseconds. Default 15 000. */
  connectTimeoutMs?: number;
  /** Milliseconds between keepalives; three without an answer are a lost connection. Default 15 000. */
  keepaliveMs?: number;
  /** Milliseconds that a host has to be back in when the connection is lost; 0: it fails at once. Default 60 000. */
  reconnectMs?: number;
  /** Milliseconds for a step on a host; HOST_TIMEOUT then. Default none. */
  stepTimeoutMs?: number;
  /** Answers what hosts want to know of the operator during the login. */
  ask?: Ask;
  /** Take the locks of hosts away from whoever holds them. Default false. */
  breakLock?: boolean;
  /** Ctrl-C: every host stops after cleaning up, and is failed with INTERRUPTED. */
  signal?: AbortSignal;
  onEvent?: OnHostEvent;
}

export interface HostCheckOptions extends HostsOptions, TrustOptions {
  /** The bundle that is to be installed; without one the space that it needs is not known. */
  bundle?: string;
  /** Folders of more parts of it, and files with blobs that it leaves out. */
  from?: BundleFrom;
  /** Do what is safe of what the findings advise; each by a phase that an uninstall undoes. Needs the bundle. */
  fix?: boolean;
  /** With `fix`: say what it would change, and change nothing. */
  dryRun?: boolean;
}

export interface HostInstallOptions extends HostsOptions, TrustOptions {
  /** Path of the bundle. */
  bundle: string;
  /** Folders of more parts of it, and files with blobs that it leaves out. */
  from?: BundleFrom;
  /** Say what would change, and change nothing. */
  dryRun?: boolean;
  /** Leave the bundle's images out. Default false: they are loaded. */
  skipImages?: boolean;
  /** An older engine than the one that is there is meant. Default false: it is refused. */
  allowDowngrade?: boolean;
  /** Take over a Docker that airferry did not install. Default false: it is refused. */
  adopt?: boolean;
  /** Go back to the release before when the new one does not come up, or not all that ran still runs. Default true. */
  rollback?: boolean;
}

export interface HostRollbackOptions extends HostsOptions {
  /** The version, or the name, of a release that is kept; default the one before the current. */
  to?: string;
  dryRun?: boolean;
}

export interface HostStatusOptions extends HostsOptions {}

export interface HostUninstallOptions extends HostsOptions {
  dryRun?: boolean;
  /** Images, containers and volumes too. */
  purge?: boolean;
  /** Stop running containers; without it a host on which some run is refused with CONFIRMATION_NEEDED. */
  stopContainers?: boolean;
}

export interface ImageLoadOptions extends HostsOptions, TrustOptions {
  /** Path of a bundle, an archive (compressed or not) or an OCI layout. */
  source: string;
  /** Folders of more parts of a bundle, and files with blobs that it leaves out. */
  from?: BundleFrom;
  /** Only images with these names, as in Docker. Default all. */
  only?: string[];
  dryRun?: boolean;
  /** Whose store they go into. Default `auto`: Docker where it is, else what the host has. */
  runtime?: RuntimeName | 'auto';
  /** Of containerd. Default `k8s.io`. */
  namespace?: string;
  /** How they go. Default `auto`: whichever moves less, and is possible. */
  via?: Via | 'auto';
}

/** One thing that was changed on a host, or in a dry run would be. */
export interface Change {
  phase: PhaseName;
  /** `wrote /etc/docker/daemon.json` */
  what: string;
  /** How a file changes by it: a unified diff, without secrets. */
  diff?: string;
}

export interface HostResult {
  name: string;
  /** `ops@10.77.0.11` */
  address: string;
  /** `skipped`: it was not begun. */
  outcome: 'changed' | 'unchanged' | 'failed' | 'skipped';
  changes: Change[];
  /** Why it was skipped. */
  reason?: string;
  /** Where it failed, and why. */
  phase?: PhaseName;
  error?: AirferryError;
  /** Out of the check of the host; empty where it was not reached. */
  findings: Finding[];
  durationMs: number;
}

export interface HostsResult<Host extends HostResult = HostResult> {
  hosts: Host[];
  /** Whether nothing was changed because it was a dry run. */
  dryRun: boolean;
  /** What it was done from. */
  bundle?: { name: string; version: string; digest: string; signature: SignatureState };
}

/** `host check`: a host with an `error` among its findings has the outcome `failed` with HOST_PREFLIGHT. */
export type HostCheckResult = HostsResult;
export type HostRollbackResult = HostsResult;
export type HostInstallResult = HostsResult;
export type HostUninstallResult = HostsResult;
export interface ImageLoadHost extends HostResult {
  /** `docker`, `containerd (namespace k8s.io)`; absent where the host was not reached. */
  runtime?: string;
  /** Those that were loaded, or in a dry run would be; in the order of the source. */
  images: LoadedImage[];
}

export type ImageLoadResult = HostsResult<ImageLoadHost>;

export interface HostStatus extends HostResult {
  /** Undefined where the host was not reached, or airferry installed nothing there. */
  installed?: {
    bundle: { name: string; version: string; digest: string };
    /** `20.10.24-0123456789ab` */
    release?: string;
    /** ISO 8601, UTC, by the operator's clock. */
    at: string;
  };
  /** Versions by component (dockerd, containerd, runc, init, compose); absent where there is none. */
  versions: Partial<Record<Component, string>>;
  /** Undefined where no engine answers. */
  engine?: EngineAnswer;
  drift: Drift[];
  /** Since the host has booted. */
  uptimeSeconds?: number;
  /** Below the engine's data root, or where it would be. */
  disk?: Disk;
}

export type HostStatusResult = HostsResult<HostStatus>;
