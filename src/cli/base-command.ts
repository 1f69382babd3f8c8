/** What every command does the same: flags for its words, an action that Ctrl-C can stop, one way to end. */
import { Command } from '@oclif/core/command';
import type { AirferryError } from '../errors.ts';
import { Meter } from '../support/meter.ts';
import { errorDocument } from './error-view.ts';
import { globalFlags } from './flags.ts';
import { Interruption } from './interruption.ts';
import { Output, type OutputFlags } from './output.ts';
import { ProgressView } from './progress.ts';
import type { Look } from './terminal.ts';

/** What an action is given to work with. */
export interface Work {
  meter: Meter;
  signal: AbortSignal;
}

/** How a command ends, when it has something to show. */
export interface Ending<Result extends object> {
  result: Result;
  view: (result: Result, look: Look) => string[];
  /** True for a report that was asked for: shown under --quiet too. */
  asked: boolean;
  /** What makes it a failure all the same. */
  error?: AirferryError;
}

export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;

  /** Errors are rendered in one place: see `main.ts`. */
  protected override async catch(error: Error): Promise<never> {
    throw error;
  }

  protected output(flags: OutputFlags): Output {
    return new Output(flags);
  }

  /** Run an action that counts bytes, and show how far it is. Throws what the action does, or INTERRUPTED. */
  protected async track<T>(out: Output, title: string, action: (work: Work) => Promise<T>): Promise<T> {
    const meter = new Meter();
    const progress = new ProgressView(title, meter, out.sideLook, out.quiet ? undefined : process.stderr);
    return this.interruptible(
      () => progress.retitle('Stopping (Ctrl-C again to stop at once)'),
      async signal => {
        progress.start();
        try {
          return await action({ meter, signal });
        } finally {
          progress.stop();
        }
      },
    );
  }

  /** Run an action that a signal may stop. Throws what the action does; INTERRUPTED after a signal. */
  protected async interruptible<T>(
    onFirst: () => void,
    action: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const interruption = new Interruption();
    interruption.onFirst = onFirst;
    try {
      return await action(interruption.signal);
    } catch (error) {
      throw interruption.error ?? error;
    } finally {
      interruption.end();
    }
  }

  /** Show the result. With an error the command fails after that, and under --json the document has both. */
  protected end<Result extends object>(out: Output, { result, view, asked, error }: Ending<Result>): void {
    const document = error ? { ...result, error: errorDocument(error) } : result;
    out.result(document, () => (out.quiet && !asked ? [] : view(result, out.look)));
    if (!error) return;
    if (!out.json) throw error;
    process.exitCode = error.exit;
  }
}
