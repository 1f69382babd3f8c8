/** A container runtime on a host, as the loading of images meets it. One file for each beside this one. */
import { formatReference, parseReference } from '../../content/reference.ts';
import type { Shell } from '../../host/shell.ts';
import type { EngineStore } from '../../transports/docker-load.ts';
import type { StandingImage } from '../../transports/loaded.ts';

export const RUNTIME_NAMES = ['docker', 'containerd', 'podman', 'nerdctl', 'crio'] as const;
export type RuntimeName = (typeof RUNTIME_NAMES)[number];

/** How an image gets into a runtime: as an archive on a program's stdin, or pulled from the embedded registry. */
export type Via = 'archive' | 'pull';

/** What a runtime says of an image that stands under a name. */
export interface FoundImage extends StandingImage {
  /** As Docker writes it. */
  name: string;
}

export interface Runtime {
  readonly name: RuntimeName;
  /** For messages: `docker`, `containerd (namespace k8s.io)`. */
  readonly title: string;
  /** What it has, one round trip; `names` are those that matter, as Docker writes them. Throws ENGINE_NOT_READY. */
  ask(shell: Shell, names: readonly string[]): Promise<EngineStore>;
  /** The script that takes an archive on its stdin; absent where the runtime has no such thing. */
  readonly loadScript?: string;
  /** The script that pulls `reference` over plain HTTP, gives the image its names, and takes the pulled name away. */
  pullScript(reference: string, names: readonly string[]): string;
  /** What stands under the names; names that lead nowhere are left out. */
  inspect(shell: Shell, names: readonly string[]): Promise<FoundImage[]>;
  /** Where to look when it fails. */
  readonly advice: string;
}

/** Milliseconds for questions; loading itself takes as long as it takes. */
export const ASK_TIMEOUT_MS = 120_000;
/** Bytes; a runtime with ten thousand images says less. */
export const MAX_ANSWER = 64 * 1024 * 1024;

/** `nginx:1.25` to `docker.io/library/nginx:1.25`: runtimes other than Docker know no shorter names. */
export function wholeName(name: string): string {
  return formatReference(parseReference(name));
}
