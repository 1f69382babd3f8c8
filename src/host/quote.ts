/** The one place where data becomes part of a shell command: quoting for POSIX sh. */
import { AirferryError } from '../errors.ts';

/** Words that no shell reads in any other way than as themselves, so that commands in messages stay readable. */
const PLAIN = /^[A-Za-z0-9_./:@%+,-]+$/;

/**
 * One argument, quoted so that `sh` hands on exactly these characters.
 * @throws {AirferryError} USAGE when it contains a NUL, which no argument can carry.
 */
export function quote(arg: string): string {
  if (arg.includes('\0')) {
    throw new AirferryError('USAGE', 'a NUL character cannot be part of a command, a path or a name', {
      suggestions: [`Remove the NUL from ${JSON.stringify(arg.slice(0, 80))}.`],
    });
  }
  return PLAIN.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`;
}

/** A command line out of its words, each of them quoted. */
export function command(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}
