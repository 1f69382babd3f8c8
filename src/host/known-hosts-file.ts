/** known_hosts on the operator's disk: read the files, add the key of a host that was met for the first time. */
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { AirferryError, systemCode } from '../errors.ts';
import { formatKnownHost, judgeHostKey, type KnownHost, parseKnownHosts } from './known-hosts.ts';
import { expandHome } from './target.ts';

/** A file larger than this is no known_hosts; bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The files that `ssh` reads; new entries go to the first. */
export function defaultKnownHostsFiles(): string[] {
  return [join(homedir(), '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'];
}

/**
 * The entries of all files in order. A file that does not exist has none.
 * @throws {AirferryError} FILE_UNREADABLE
 */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const entries = await Promise.all(files.map(file => readOne(expandHome(file))));
  return entries.flat();
}

async function readOne(file: string): Promise<KnownHost[]> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, too many for a known_hosts file`);
    return parseKnownHosts(await readFile(file, 'utf8'), file);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return [];
    throw new AirferryError('FILE_UNREADABLE', `known hosts cannot be read: ${(cause as Error).message}`, {
      where: { file },
      suggestions: ['Check the file and its permissions, or name another one with --known-hosts FILE.'],
      cause,
    });
  }
}

/** Additions wait for one another, so that two connections to one new host leave one entry. */
let lastAddition: Promise<void> = Promise.resolve();

/**
 * Add a host's key to a file, unless the file has it by now. One append, so that other programs' entries survive;
 * the file is created private (0600), its folder too (0700).
 * @throws {AirferryError} FILE_UNWRITABLE
 */
export function rememberHostKey(file: string, address: string, port: number, key: Buffer): Promise<void> {
  const path = expandHome(file);
  const addition = lastAddition.then(() => append(path, address, port, key));
  lastAddition = addition.catch(() => undefined);
  return addition;
}

async function append(file: string, address: string, port: number, key: Buffer): Promise<void> {
  if (judgeHostKey(await readOne(file), address, port, key).verdict === 'match') return;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await using handle = await open(file, 'a+', 0o600);
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const newline = size > 0 && last[0] !== 0x0a ? '\n' : '';
    await handle.appendFile(newline + formatKnownHost(address, port, key));
    await handle.sync();
  } catch (cause) {
    throw new AirferryError(
      'FILE_UNWRITABLE',
      `the host key cannot be recorded: ${(cause as Error).message}`,
      {
        where: { file },
        suggestions: [
          'Check the permissions of the file and its folder, or name another one with --known-hosts FILE.',
        ],
        cause,
      },
    );
  }
}
