/** The entry: find the command, run it, and render whatever it throws. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Interfaces } from '@oclif/core';
import { Config } from '@oclif/core/config';
import { run } from '@oclif/core/run';
import { settings } from '@oclif/core/settings';
import { resolveCommand } from './cli/command-line.ts';
import { asAirferryError, StdoutError } from './cli/failure.ts';
import { Output } from './cli/output.ts';
import { EXIT, systemCode } from './errors.ts';
import { BUILT, PACKAGE_ROOT } from './support/package-root.ts';

/** Run airferry with the arguments after its name. Ends the process. */
export async function main(argv: readonly string[]): Promise<never> {
  process.on('uncaughtException', error => fail(error, argv));
  process.stdout.on('error', error => leave(error, argv));
  process.stderr.on('error', () => process.exit(EXIT.failure));
  if (['--version', '-V', '-v'].includes(argv[0] ?? '')) {
    process.stdout.write(`airferry ${packageJson().version}\n`);
    process.exit(EXIT.ok);
  }
  let command: string | undefined;
  try {
    const config = await loadConfig();
    command = resolveCommand(argv, config);
    await run(command === undefined ? [...argv] : withId(argv, command), config);
    // A pipe takes 64 KiB at once; what waits behind them would be lost with the process.
    await new Promise(resolve => process.stdout.write('', resolve));
    // What stdout has to complain about, it says in the next turn.
    await new Promise(resolve => setImmediate(resolve));
  } catch (error) {
    fail(error, argv, command);
  }
  process.exit();
}

/** With the command as one word: else oclif takes what follows a command without arguments for the rest of its name. */
function withId(argv: readonly string[], command: string): string[] {
  if (argv[0] === 'help') return [...argv];
  const words = command.split(' ');
  return [words.join(':'), ...argv.slice(words.length)];
}

const root = fileURLToPath(PACKAGE_ROOT);

/** From a checkout the commands are run as they are written; once built, out of the manifest. */
export async function loadConfig(): Promise<Config> {
  const pjson = packageJson();
  settings.enableAutoTranspile = false;
  const target = BUILT ? './dist/commands' : './src/commands';
  const oclif = { ...pjson.oclif, commands: { strategy: 'pattern' as const, target } };
  return Config.load({ root, pjson: { ...pjson, oclif }, ignoreManifest: !BUILT });
}

function packageJson(): Interfaces.PJSON {
  return JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')) as Interfaces.PJSON;
}

function fail(thrown: unknown, argv: readonly string[], command?: string): never {
  const error = asAirferryError(thrown, command);
  outputFor(argv).failure(error);
  process.exit(error.exit);
}

/** Nobody reads stdout any more (`| head`), which is no failure; or it cannot take what it is given, which is. */
function leave(error: Error, argv: readonly string[]): never {
  if (systemCode(error) === 'EPIPE') process.exit(process.exitCode ?? EXIT.ok);
  fail(new StdoutError(error), argv);
}

/** The flags may not have been parsed yet, or not at all. */
function outputFor(argv: readonly string[]): Output {
  const end = argv.indexOf('--');
  const flags = end < 0 ? argv : argv.slice(0, end);
  const given = (long: string, short?: string): boolean =>
    flags.some(flag => flag === long || (short !== undefined && flag === short));
  const verbose = given('--verbose', '-v') || Boolean(process.env.DEBUG);
  return new Output({ json: given('--json'), quiet: given('--quiet', '-q'), verbose });
}

if (import.meta.main) await main(process.argv.slice(2));
