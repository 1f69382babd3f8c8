/** Where the demo happens: it says what comes, shows each command as one would type it, and cleans up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT: string = new URL('../..', import.meta.url).pathname;
const AIRFERRY = join(ROOT, 'bin/airferry.js');

/** Starts a program; the lab's starts it where the operator sits. */
export type Start = (argv: string[], options: { cwd: string; stdio: 'inherit' }) => ChildProcess;

export class Stage {
  /** A folder for the demo's files, in which commands run. */
  readonly dir: string = mkdtempSync(join(tmpdir(), 'airferry-demo-'));
  #start: Start = (argv, options) => spawn(argv[0] as string, argv.slice(1), options);
  readonly #clearers: (() => Promise<void>)[] = [];
  #interrupted = false;

  constructor() {
    // The command under way gets Ctrl-C from the terminal too, cleans up and ends; the demo then does the same.
    process.on('SIGINT', () => {
      this.#interrupted = true;
    });
  }

  /** Let commands run elsewhere from now on. */
  moveTo(start: Start): void {
    this.#start = start;
  }

  /** To be done at the end, whatever happens; last come, first done. */
  onClear(clearer: () => Promise<void>): void {
    this.#clearers.unshift(clearer);
  }

  say(text: string): void {
    const bold = process.stdout.isTTY && !process.env.NO_COLOR;
    process.stdout.write(bold ? `\n\u001b[1m${text}\u001b[0m\n` : `\n${text}\n`);
  }

  /** Show and run an airferry command; one that fails ends the demo. */
  async airferry(...args: string[]): Promise<void> {
    await this.#run(['airferry', ...args], [process.execPath, AIRFERRY, ...args]);
  }

  /** Show a command and run it. */
  async command(...argv: string[]): Promise<void> {
    await this.#run(argv, argv);
  }

  async clear(): Promise<void> {
    for (const clearer of this.#clearers) await clearer();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #run(shown: string[], argv: string[]): Promise<void> {
    if (this.#interrupted) throw new Error('it was interrupted');
    process.stdout.write(`\n$ ${shown.map(asTyped).join(' ')}\n`);
    const child = this.#start(argv, { cwd: this.dir, stdio: 'inherit' });
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (this.#interrupted) throw new Error('it was interrupted');
    if (status !== 0) throw new Error(`"${shown.slice(0, 3).join(' ')}" ended with status ${status}`);
  }
}

function asTyped(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}
