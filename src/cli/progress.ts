/** Progress in bytes on stderr: one line that is written over on a terminal, a line now and then elsewhere. */
import { formatBytes, formatDuration } from '../support/format.ts';
import { type Meter, type Progress, remainingMs } from '../support/meter.ts';
import type { Look } from './terminal.ts';
import { truncate, width } from './text.ts';

/** A stream that progress is written to. */
export interface ProgressStream {
  isTTY?: boolean;
  write(text: string): unknown;
}

const REDRAW_MS = 100;
/** What is done sooner needs no progress. */
const FIRST_MS = 300;
/** Where lines stay, a new one comes after this time … */
const LINE_MS = 10_000;
/** … or after this part of the whole, but never sooner than two seconds after the last. */
const LINE_SHARE = 0.1;
const LINE_LEAST_MS = 2_000;
const BAR = 20;
const CLEAR_LINE = '\r\u001b[K';

/** `1.2 GB of 2.6 GB  180 MB/s  8.1 s left` */
export function progressFigures(progress: Progress): string {
  const { done, total, elapsedMs } = progress;
  const figures = [`${formatBytes(Math.min(done, total))} of ${formatBytes(total)}`];
  if (elapsedMs >= 1000 && done > 0) figures.push(`${formatBytes((done / elapsedMs) * 1000)}/s`);
  const left = remainingMs(progress);
  if (left !== undefined && left >= 500)
    figures.push(`${formatDuration(Math.ceil(left / 1000) * 1000).replace('.0 s', ' s')} left`);
  return figures.join('  ');
}

/** The line for a terminal: title, bar, percentage, figures; what has no room is left out from the right. */
export function progressLine(title: string, progress: Progress, look: Look): string {
  const { done, total } = progress;
  const room = look.columns - 1;
  if (total <= 0) return truncate(`${title} ${look.glyphs.ellipsis}`, room);
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR);
  const bar =
    look.paint.cyan(look.glyphs.barDone.repeat(filled)) +
    look.paint.dim(look.glyphs.barLeft.repeat(BAR - filled));
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const taken = width(title) + 2 + BAR + 1 + percent.length + 2;
  const figures = truncate(progressFigures(progress), room - taken, look.glyphs.ellipsis);
  return taken > room ? truncate(`${title} ${percent}`, room) : `${title}  ${bar} ${percent}  ${figures}`;
}

/** Shows a meter from `start` to `stop`. Without a stream (quiet) it shows nothing. */
export class ProgressView {
  readonly #stream: ProgressStream | undefined;
  readonly #meter: Meter;
  readonly #look: Look;
  #title: string;
  #timer: NodeJS.Timeout | undefined;
  #drawn = false;
  #last: { at: number; share: number } | undefined;

  constructor(title: string, meter: Meter, look: Look, stream?: ProgressStream) {
    this.#title = title;
    this.#meter = meter;
    this.#look = look;
    this.#stream = stream;
  }

  start(): void {
    if (!this.#stream) return;
    this.#timer = setInterval(() => this.#tick(), REDRAW_MS);
    this.#timer.unref();
  }

  /** What is being done is something else now. */
  retitle(title: string): void {
    this.#title = title;
    if (this.#stream?.isTTY) this.#tick();
    else this.#stream?.write(`${title} ${this.#look.glyphs.ellipsis}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#drawn) this.#stream?.write(CLEAR_LINE);
    this.#drawn = false;
  }

  #tick(): void {
    const { progress } = this.#meter;
    const { done, total, elapsedMs } = progress;
    if (elapsedMs < FIRST_MS) return;
    if (this.#stream?.isTTY) {
      this.#drawn = true;
      this.#stream.write(`\r${progressLine(this.#title, progress, this.#look)}\u001b[K`);
      return;
    }
    const share = total > 0 ? Math.min(1, done / total) : 0;
    if (!this.#last) {
      this.#last = { at: elapsedMs, share };
      this.#stream?.write(`${this.#title} ${this.#look.glyphs.ellipsis}\n`);
      return;
    }
    const since = elapsedMs - this.#last.at;
    if (since < LINE_MS && (since < LINE_LEAST_MS || share - this.#last.share < LINE_SHARE)) return;
    this.#last = { at: elapsedMs, share };
    if (total > 0)
      this.#stream?.write(`${this.#title}: ${Math.floor(share * 100)}%  ${progressFigures(progress)}\n`);
  }
}
