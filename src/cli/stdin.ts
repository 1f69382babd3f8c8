/** Secrets that come through a pipe. */
import { AirferryError } from '../errors.ts';
import { Secret } from '../host/secret.ts';

const LIMIT = 64 * 1024;

/** All of stdin without the end of its line; undefined when that is nothing. Throws USAGE on a terminal, where it would be shown. */
export async function secretFromStdin(flag: string): Promise<Secret | undefined> {
  if (process.stdin.isTTY) {
    throw new AirferryError('USAGE', `${flag} reads from a pipe or a file, and stdin is a terminal`, {
      suggestions: [`Write … ${flag} < FILE, or leave it out to be asked.`],
    });
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LIMIT) throw new AirferryError('USAGE', `${flag} got more than a password on stdin`);
  }
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  return text === '' ? undefined : new Secret(text);
}
