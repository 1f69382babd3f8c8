/**
 * Bastions: the hosts that one goes through. Each is connected to once and shared by all hosts behind it, since an
 * sshd turns away more than a few logins at a time (MaxStartups).
 */
import type { Duplex } from 'node:stream';
import { formatAddress } from './address.ts';
import { bastionError } from './connect-errors.ts';
import type { HostTarget } from './target.ts';

/** What a bastion has to do; a connection does it. */
export interface Gateway {
  /** A TCP connection from the bastion to an address. */
  forward(address: string, port: number): Promise<Duplex>;
  /** Resolves once the bastion is gone. */
  closed: Promise<void>;
  close(): Promise<void>;
}

/** Connects to a bastion, which may itself be behind others. */
export type ConnectBastion = (bastion: HostTarget) => Promise<Gateway>;

export class Bastions implements AsyncDisposable {
  readonly #connections = new Map<string, Promise<Gateway>>();

  /**
   * A stream to `target` through its last bastion.
   * @throws {AirferryError} of the bastion's own connection, or HOST_UNREACHABLE when it cannot connect further.
   */
  async through(target: HostTarget, connect: ConnectBastion): Promise<Duplex | undefined> {
    const last = target.bastions.at(-1);
    if (!last) return undefined;
    const bastion: HostTarget = { ...last, bastions: [...target.bastions.slice(0, -1), ...last.bastions] };
    const connection = await this.#connection(bastion, connect);
    try {
      return await connection.forward(target.address, target.port);
    } catch (error) {
      throw bastionError(target, bastion, error as Error);
    }
  }

  #connection(bastion: HostTarget, connect: ConnectBastion): Promise<Gateway> {
    const key = [...bastion.bastions, bastion].map(formatAddress).join(' ');
    const existing = this.#connections.get(key);
    if (existing) return existing;
    const connecting = connect(bastion);
    this.#connections.set(key, connecting);
    const forget = (): void => {
      if (this.#connections.get(key) === connecting) this.#connections.delete(key);
    };
    connecting.then(connection => connection.closed.then(forget), forget);
    return connecting;
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#connections.values());
    this.#connections.clear();
    await Promise.all(all.map(result => (result.status === 'fulfilled' ? result.value.close() : undefined)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
