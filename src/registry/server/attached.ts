/** Connections that were made elsewhere and are served all the same: channels of an SSH forward, for one. */
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** The streams of one server, and which of them are in the middle of an answer. */
export class AttachedStreams {
  readonly #server: Server;
  readonly #streams = new Set<Duplex>();
  readonly #working = new Set<unknown>();
  #closing = false;

  /** @param server has a request listener; it need not listen on a port */
  constructor(server: Server) {
    this.#server = server;
  }

  attach(stream: Duplex): void {
    // A channel may fail after its end, when nobody else listens any more.
    stream.on('error', () => stream.destroy());
    if (this.#closing) {
      stream.destroy();
      return;
    }
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    this.#server.emit('connection', stream);
  }

  /** A request has come through a stream; call what is given back when it is answered. */
  work(stream: unknown): () => void {
    this.#working.add(stream);
    return () => {
      this.#working.delete(stream);
      for (const one of this.#closing ? this.#streams : []) if (one === stream) one.end();
    };
  }

  /** End the idle ones, the others with their answer; all of them after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const gone = [...this.#streams].map(stream => new Promise(resolve => stream.once('close', resolve)));
    for (const stream of this.#streams) if (!this.#working.has(stream)) stream.end();
    const cut = setTimeout(() => {
      for (const stream of this.#streams) stream.destroy();
    }, graceMs);
    await Promise.all(gone);
    clearTimeout(cut);
  }
}
