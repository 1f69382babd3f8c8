/** Ctrl-C, SIGTERM and a lost terminal: the first is a request to stop and clean up, the second an order. */
import { AirferryError, EXIT } from '../errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SHOW_CURSOR = '\u001b[?25h';

export class Interruption {
  readonly #controller = new AbortController();
  readonly #listener = (): void => this.#interrupt();
  /** Called once, when the first signal has come. */
  onFirst: () => void = () => undefined;

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#listener);
  }

  /** Aborts with an INTERRUPTED error as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The error to end with, if a signal came. */
  get error(): AirferryError | undefined {
    return this.signal.aborted ? (this.signal.reason as AirferryError) : undefined;
  }

  /** Stop listening. */
  end(): void {
    for (const name of SIGNALS) process.off(name, this.#listener);
  }

  #interrupt(): void {
    if (this.signal.aborted) {
      if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
      process.exit(EXIT.interrupted);
    }
    this.#controller.abort(
      new AirferryError('INTERRUPTED', 'interrupted; what was half done has been cleaned up', {
        suggestions: ['Run the same command again when you are ready: what is done is not done again.'],
      }),
    );
    this.onFirst();
  }
}
