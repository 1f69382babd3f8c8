/** What is to be known about a host before it is changed, in one round trip. */
import { AirferryError, isAirferryError } from '../errors.ts';
import { MAX_ANSWER, parseFacts } from './facts-parse.ts';
import { factsScript } from './facts-script.ts';
import type { HostFacts } from './host-facts.ts';
import type { Shell } from './shell.ts';
import type { RootAccess } from './sudo.ts';
import { describeTarget } from './target.ts';

export type { BinaryFacts, HostFacts, PathFacts } from './host-facts.ts';

export interface GatheredFacts extends HostFacts {
  /** How root is to be had: at once, by sudo, by sudo with a password, or `none`, and then why not. */
  privilege: { how: RootAccess['how'] } | { how: 'none'; problem: AirferryError };
  /** Milliseconds by which the host's clock is ahead of the operator's (negative: behind), to half a round trip. */
  clockSkewMs: number;
}

const TIMEOUT_MS = 60_000;

/**
 * Ask a host about itself. Changes nothing there. Without root the facts are asked as the login user, and `privilege`
 * says so; some (package of a file, ports of others) may be poorer then.
 * @param paths absolute paths whose file systems matter: free space, type
 * @throws {AirferryError} HOST_COMMAND_FAILED and what a connection throws
 */
export async function gatherFacts(
  shell: Shell,
  { paths }: { paths: readonly string[] },
): Promise<GatheredFacts> {
  const relative = paths.find(path => !path.startsWith('/'));
  if (relative !== undefined) throw new AirferryError('USAGE', `"${relative}" is not an absolute path`);
  const privilege = await privilegeOf(shell);
  const before = Date.now();
  const result = await shell.run(factsScript(paths), {
    root: privilege.how !== 'none',
    title: 'gather facts',
    maxOutput: MAX_ANSWER,
    timeoutMs: TIMEOUT_MS,
  });
  const after = Date.now();
  try {
    const facts = parseFacts(result.stdout);
    return { ...facts, privilege, clockSkewMs: Math.round(facts.clock * 1000 - (before + after) / 2) };
  } catch (error) {
    if (!isAirferryError(error)) throw error;
    throw new AirferryError(error.code, `${describeTarget(shell.target)}: ${error.message}`, {
      where: { host: shell.target.name },
      suggestions: error.suggestions,
    });
  }
}

async function privilegeOf(shell: Shell): Promise<GatheredFacts['privilege']> {
  try {
    return { how: (await shell.rootAccess()).how };
  } catch (error) {
    if (isAirferryError(error, 'HOST_SUDO')) return { how: 'none', problem: error };
    throw error;
  }
}
