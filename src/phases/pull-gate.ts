/**
 * Who may come in by a port on a host's loopback: root alone, since the runtimes run as root. Every user of the host can
 * connect to such a port, and a name in the arguments of `docker pull` is no secret from them. But the kernel tells whose
 * a connection is: proc_net_tcp(5) lists the user of each socket on the host. A connection that is not found there
 * with root as its owner is refused; nothing needs to be kept secret, and nothing to be installed.
 */
import type { Incoming } from '../host/forward.ts';
import type { Shell } from '../host/shell.ts';

/** Milliseconds for the gatekeeper to begin, and for each answer. */
const PATIENCE_MS = 15_000;
const OPEN = 'open';

/** Reads a port a line (four hexadecimal digits), writes it back with the users whose connection from it stands. */
export function gateScript(port: number): string {
  const loopback = '[0F]*(0100007F|7F000001)';
  return `[ -r /proc/net/tcp ] || exit
echo ${OPEN}
while read -r from; do
  echo "$from" $(grep -Eh " ${loopback}:$from ${loopback}:${hexPort(port)} 01 " /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    while read -r slot local remote state queues timer retransmits uid rest; do echo "$uid"; done)
done`;
}

export class PullGate implements AsyncDisposable {
  readonly #lines: string[] = [];
  readonly #asked = new Map<string, (uids: string[]) => void>();
  #wake: (() => void) | undefined;
  #over = false;
  #ended: Promise<unknown> = Promise.resolve();

  /** Put a gatekeeper on the host, in front of this port. Undefined where the host has none of what it needs. */
  static async open(shell: Shell, port: number): Promise<PullGate | undefined> {
    const gate = new PullGate();
    const begun = Promise.withResolvers<boolean>();
    let pending = '';
    const onStdout = (chunk: Buffer): void => {
      const lines = (pending + chunk.toString('latin1')).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        if (line === OPEN) begun.resolve(true);
        else gate.#hear(line);
      }
    };
    const options = { check: false, title: 'watch the forwarded port', stdin: gate.#questions(), onStdout };
    const end = (): void => gate.#end();
    gate.#ended = shell.run(gateScript(port), options).then(end, end);
    gate.#ended.then(() => begun.resolve(false));
    const timer = setTimeout(() => begun.resolve(false), PATIENCE_MS);
    const open = await begun.promise;
    clearTimeout(timer);
    if (open) return gate;
    gate.#end();
    return undefined;
  }

  /** Whether a connection is root's. */
  async admits({ address, port }: Incoming['from']): Promise<boolean> {
    if (address !== '127.0.0.1' || this.#over) return false;
    const key = hexPort(port);
    const uids = await new Promise<string[]>(resolve => {
      const timer = setTimeout(() => resolve([]), PATIENCE_MS);
      this.#asked.set(key, found => {
        clearTimeout(timer);
        resolve(found);
      });
      this.#lines.push(`${key}\n`);
      this.#wake?.();
    });
    this.#asked.delete(key);
    return uids.length > 0 && uids.every(uid => uid === '0');
  }

  async close(): Promise<void> {
    this.#end();
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #hear(line: string): void {
    const [key = '', ...uids] = line.trim().split(' ');
    this.#asked.get(key)?.(uids);
  }

  #end(): void {
    this.#over = true;
    for (const answer of this.#asked.values()) answer([]);
    this.#wake?.();
  }

  async *#questions(): AsyncGenerator<Uint8Array> {
    while (!this.#over) {
      const line = this.#lines.shift();
      if (line !== undefined) yield Buffer.from(line);
      else {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    }
  }
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
