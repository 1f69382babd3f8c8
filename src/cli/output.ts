/** Where a command's words go: the result to stdout, everything on the way to stderr. */
import { type AirferryError, isAirferryError } from '../errors.ts';
import { errorDocument, renderError, renderWarning } from './error-view.ts';
import { StdoutError } from './failure.ts';
import { type Look, lookOf } from './terminal.ts';

export interface OutputFlags {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Of stdout. */
  readonly look: Look;
  /** Of stderr. */
  readonly sideLook: Look;

  constructor({ json, quiet, verbose }: OutputFlags, environment: NodeJS.ProcessEnv = process.env) {
    this.json = json;
    this.quiet = quiet;
    this.verbose = verbose;
    this.look = lookOf(process.stdout, environment, verbose);
    this.sideLook = lookOf(process.stderr, environment, verbose);
  }

  /** What the command is for: one JSON document, or a text made for eyes. */
  result(document: object, text: () => readonly string[]): void {
    if (this.json) process.stdout.write(`${JSON.stringify(document, plainErrors, 2)}\n`);
    else {
      const lines = text();
      if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
    }
  }

  /** A line on the way. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    if (!this.quiet) process.stderr.write(`${renderWarning(text, this.sideLook)}\n`);
  }

  /** The end of a command that failed. */
  failure(error: AirferryError): void {
    if (this.json && !(error instanceof StdoutError)) this.result({ error: errorDocument(error) }, () => []);
    else process.stderr.write(`${renderError(error, this.sideLook)}\n`);
  }
}

/** `JSON.stringify` replacer: an error among the data has the same shape as the error of a command. */
function plainErrors(_key: string, value: unknown): unknown {
  return isAirferryError(value) ? errorDocument(value as AirferryError) : value;
}
