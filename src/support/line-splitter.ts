/** Bytes that come in any pieces, handed on as lines of text. */
import { StringDecoder } from 'node:string_decoder';

/** Characters after which a line that does not end is handed on all the same. */
const LONGEST = 64 * 1024;

export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #rest = '';

  /** `onLine` gets each line without its end; CR LF is one end. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line.replace(/\r$/, ''));
    if (this.#rest.length < LONGEST) return;
    this.#onLine(this.#rest);
    this.#rest = '';
  }

  /** A last line need not have an end. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#onLine(rest);
  }
}
