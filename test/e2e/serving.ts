/** `registry serve` by its command line, for tests that push to it and kill it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Serving {
  child: ChildProcess;
  address: string;
  /** What it told the operator beside its address. */
  told(): string;
}

/** Start a server over a storage, and wait until it says where it listens. */
export async function serve(...argv: string[]): Promise<Serving> {
  const command = ['bin/dev.js', 'registry', 'serve', '--listen', '127.0.0.1:0', ...argv, '--json'];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, told] = ['', ''];
  child.stderr.on('data', chunk => {
    told += chunk;
  });
  child.stdout.on('data', chunk => {
    said += chunk;
  });
  while (!said.trimEnd().endsWith('}')) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}${told}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return { child, address: JSON.parse(said).address, told: () => told };
}

/** End a server by a signal, and wait for that. */
export async function end({ child }: Serving, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'close');
  child.kill(signal);
  await ended;
}
