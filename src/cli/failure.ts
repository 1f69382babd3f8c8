/** Whatever was thrown, as the one error that an operator meets: mistakes in flags get a "did you mean". */
import { AirferryError, isAirferryError, systemCode } from '../errors.ts';
import { closest } from '../support/suggest.ts';

/** What oclif's parser throws, as far as it matters here; its classes are not exported. */
interface ParserError extends Error {
  parse?: { input?: { flags?: Record<string, { char?: string }>; argv?: string[] } };
  /** Of an unknown flag, as typed. */
  flags?: string[];
  /** Of missing or surplus arguments. */
  args?: ({ name: string; description?: string } | string)[];
}

/**
 * The error to show for anything thrown by a command. `command` is its name with spaces, for the advice.
 * What is not ours and no mistake of usage is a bug: INTERNAL, with the original as cause.
 */
export function asAirferryError(thrown: unknown, command?: string): AirferryError {
  if (isAirferryError(thrown)) return thrown;
  if (thrown instanceof Error && thrown.name === 'ExitPromptError')
    return new AirferryError('INTERRUPTED', 'interrupted; nothing was done', { cause: thrown });
  if (thrown instanceof Error && systemCode(thrown) && 'syscall' in thrown && thrown.syscall === 'write')
    return new StdoutError(thrown);
  if (thrown instanceof Error && isUsage(thrown)) return usageError(thrown, command);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AirferryError('INTERNAL', `airferry met something that it did not foresee: ${message}`, {
    cause: thrown,
    suggestions: ['This is a bug. Run the command again with --verbose, and report what it prints.'],
  });
}

/** Stdout takes no more: the one error that cannot be told there. */
export class StdoutError extends AirferryError {
  constructor(cause: Error) {
    const full = systemCode(cause) === 'ENOSPC';
    const why = full ? 'the disk is full' : (systemCode(cause) ?? cause.message);
    super(full ? 'DISK_FULL' : 'FILE_UNWRITABLE', `cannot write to stdout: ${why}`, { cause });
  }
}

function isUsage(error: ParserError): boolean {
  return 'parse' in error || ('oclif' in error && systemCode(error) === undefined);
}

function usageError(error: ParserError, command?: string): AirferryError {
  const help = `See \`${['airferry', command, '--help'].filter(Boolean).join(' ')}\`.`;
  const usage = (message: string, ...suggestions: string[]): AirferryError =>
    new AirferryError('USAGE', message, { suggestions: [...suggestions, help] });
  const { flags, args } = error;
  if (flags !== undefined) {
    const [unknown = ''] = flags;
    const near = nearFlag(unknown, error.parse?.input?.flags ?? {});
    return usage(`there is no flag ${unknown}`, ...(near ? [`Did you mean ${near}?`] : []));
  }
  if (args !== undefined && args.length > 0) {
    const names = args.map(arg => (typeof arg === 'string' ? `"${arg}"` : arg.name.toUpperCase()));
    const [first] = args;
    return typeof first === 'string'
      ? usage(`${names.join(' ')} is more than the command takes`, ...asFlag(first, error))
      : usage(`${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} missing`);
  }
  return usage(tidy(error.message));
}

/** `bundle create site.yaml`, `host install site.tar`: some commands are given their file by a flag. */
function asFlag(word: string, { parse }: ParserError): string[] {
  const { flags = {}, argv = [] } = parse?.input ?? {};
  const name = ['file', 'bundle'].find(name => flags[name]?.char);
  if (name === undefined) return [];
  const short = `-${flags[name]?.char}`;
  const given = argv.some(arg => arg.startsWith(short) || arg.startsWith(`--${name}`));
  return given ? [] : [`Did you mean ${short} ${word}?`];
}

/** oclif's sentences, without its advice and its headings. */
function tidy(message: string): string {
  const lines = message
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^See more help|^The following errors? occurred/.test(line));
  const missing = lines.map(line => /^Missing required flag (.+)$/.exec(line)?.[1]);
  if (missing.length > 0 && missing.every(flag => flag !== undefined))
    return `${missing.map(flag => `--${flag}`).join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`;
  const text = lines.join('; ').replace(/^Flag (--\S+) expects a value/, '$1 needs a value');
  const integer = /^Parsing (--[\w-]+)\s*;? ?Expected an integer ?(.*?) ?but received: (.*)$/.exec(text);
  if (integer) return `${integer[1]} must be an integer ${integer[2]}, not ${integer[3]}`.replace(/ +,/, ',');
  const clash = /^(--[\w-]+)=.* cannot also be provided when using (--[\w-]+)/.exec(text);
  if (clash) return `${clash[1]} and ${clash[2]} cannot be used together`;
  const oneOf = /^Expected (--[\w-]+)=(.*) to be one of: (.*)$/.exec(text);
  if (!oneOf) return text;
  const [, flag, value = '', options = ''] = oneOf;
  const near = closest(value, options.split(', '));
  return `${flag} cannot be "${value}", only ${options}${near ? `; did you mean ${near}?` : ''}`;
}

function nearFlag(unknown: string, flags: Record<string, { char?: string }>): string | undefined {
  const word = unknown.replace(/^-+/, '').replace(/=.*$/s, '');
  const near = closest(word, Object.keys(flags));
  if (near === undefined) return undefined;
  const char = flags[near]?.char;
  return char ? `--${near} (-${char})` : `--${near}`;
}
