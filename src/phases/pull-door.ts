/** A way for a runtime to pull from us: a port on the host's loopback, forwarded through SSH to the embedded registry. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AirferryError, isAirferryError } from '../errors.ts';
import type { ReverseForward } from '../host/forward.ts';
import type { Shell } from '../host/shell.ts';
import { whyNotForwarded } from '../host/sshd-forwarding.ts';
import { describeTarget } from '../host/target.ts';
import { type RegistryServer, serveRegistry } from '../registry/server/server.ts';
import type { ImageLoad } from '../transports/docker-load.ts';
import { PullContent } from './pull-content.ts';
import { PullGate } from './pull-gate.ts';

/** Milliseconds for a second command beside the gatekeeper, which a host with MaxSessions 1 never lets begin. */
const SECOND_SESSION_MS = 10_000;

export class PullDoor implements AsyncDisposable {
  readonly #content: PullContent;
  readonly #server: RegistryServer;
  readonly #forward: ReverseForward;
  readonly #gate: PullGate;
  /** What went wrong on this side while a runtime pulled: a source that is damaged, for one. */
  #problem: unknown;

  private constructor(parts: {
    content: PullContent;
    server: RegistryServer;
    forward: ReverseForward;
    gate: PullGate;
  }) {
    this.#content = parts.content;
    this.#server = parts.server;
    this.#forward = parts.forward;
    this.#gate = parts.gate;
  }

  /** Throws HOST_FORWARDING with the reason and what would change it; HOST_CONNECTION_LOST. */
  static async open(shell: Shell, description: string): Promise<PullDoor> {
    const content = new PullContent(description);
    let door: PullDoor | undefined;
    let gate: PullGate | undefined;
    const server = await serveRegistry(content, {
      onProblem: problem => {
        if (door) door.#problem ??= problem;
      },
    });
    const forward = await shell.connection
      .forwardIn(async ({ from, accept, refuse }) => {
        if (await gate?.admits(from)) server.attach(accept());
        else refuse();
      })
      .catch(async (error: unknown) => {
        throw isAirferryError(error, 'HOST_FORWARDING') ? await explained(shell, error) : error;
      });
    try {
      gate = await PullGate.open(shell, forward.port);
      if (!gate || !(await secondSession(shell))) throw unguarded(shell, gate === undefined);
      door = new PullDoor({ content, server, forward, gate });
      return door;
    } catch (error) {
      await gate?.close();
      await forward.close();
      throw error;
    }
  }

  /**
   * Offer an image, and let a runtime pull it: `pull` is given the name to pull by. What goes wrong on this side wins over
   * what the runtime makes of it. `onBytes` hears of layer bytes as they leave.
   */
  async serve<T>(
    load: ImageLoad,
    onBytes: (bytes: number) => void,
    pull: (reference: string) => Promise<T>,
  ): Promise<T> {
    const path = this.#content.offer(load, onBytes);
    if (path === undefined) {
      throw new AirferryError(
        'LOAD_FAILED',
        `${load.names.join(', ')} cannot be pulled: its layers are compressed, and nothing names their digests`,
        { suggestions: ['Pack it into a bundle first, or load it with --via archive.'] },
      );
    }
    this.#problem = undefined;
    try {
      return await pull(`127.0.0.1:${this.#forward.port}/${path}`);
    } catch (error) {
      throw isAirferryError(this.#problem) ? this.#problem : error;
    }
  }

  async close(): Promise<void> {
    await this.#forward.close();
    await this.#server.close(0);
    await this.#gate.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function secondSession(shell: Shell): Promise<boolean> {
  const begun = shell.run(':', { check: false }).then(() => true);
  begun.catch(() => undefined);
  const done = new AbortController();
  const late = sleep(SECOND_SESSION_MS, false, { signal: done.signal });
  late.catch(() => undefined);
  try {
    return await Promise.race([begun, late]);
  } finally {
    done.abort();
  }
}

async function explained(shell: Shell, error: AirferryError): Promise<AirferryError> {
  const { reason, fix } = await whyNotForwarded(shell);
  return new AirferryError(error.code, `${error.message}: ${reason}`, {
    where: error.where,
    suggestions: [fix, 'Or load it with --via archive, which needs no forwarding.'],
    cause: error.cause,
  });
}

function unguarded(shell: Shell, blind: boolean): AirferryError {
  const why = blind
    ? 'the host does not tell whose a connection is (/proc/net/tcp), so that others there could not be kept out'
    : 'its sshd allows one session at a time (MaxSessions), and two are needed';
  return new AirferryError(
    'HOST_FORWARDING',
    `no port is forwarded to ${describeTarget(shell.target)}: ${why}`,
    {
      where: { host: shell.target.name },
      suggestions: ['Load it with --via archive, which needs no forwarding.'],
    },
  );
}
