/** What comes through a pipe: secrets, and input for others. */
import { AirferryError } from '../errors.ts';
import { Secret } from '../host/secret.ts';
import { formatBytes } from '../support/format.ts';

const LIMIT = 64 * 1024;

/** All of stdin without the end of its line; undefined when that is nothing. Throws USAGE on a terminal, where it would be shown. */
export async function secretFromStdin(flag: string): Promise<Secret | undefined> {
  if (process.stdin.isTTY) {
    throw new AirferryError('USAGE', `${flag} reads from a pipe or a file, and stdin is a terminal`, {
      suggestions: [`Write … ${flag} < FILE, or leave it out to be asked.`],
    });
  }
  const text = (
    await all(LIMIT, () => new AirferryError('USAGE', `${flag} got more than a password on stdin`))
  )
    .toString('utf8')
    .replace(/\r?\n$/, '');
  return text === '' ? undefined : new Secret(text);
}

/** All of stdin, of at most `limit` bytes. Throws USAGE for more, and on a terminal, where nobody would expect it. */
export async function readStdin(limit: number): Promise<Buffer> {
  if (process.stdin.isTTY) {
    throw new AirferryError('USAGE', '--stdin reads from a pipe or a file, and stdin is a terminal', {
      suggestions: ['Write … --stdin < FILE.'],
    });
  }
  return all(
    limit,
    () =>
      new AirferryError('USAGE', `--stdin takes ${formatBytes(limit)} at most`, {
        suggestions: ['Bring large files over with scp, or as files of a bundle.'],
      }),
  );
}

async function all(limit: number, tooMuch: () => AirferryError): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) throw tooMuch();
  }
  return Buffer.concat(chunks);
}
