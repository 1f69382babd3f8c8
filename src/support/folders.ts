/**
 * Folders with all that is missing above them. Node's own `recursive` never ends where the system says of a folder in an
 * existing one that the path does not exist, as below /proc.
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../errors.ts';

/**
 * Make a folder; `mode` is for each that is made. Gives back the highest of these, undefined where all were there.
 * Throws what the system says, ENOTDIR or EEXIST for a file in the way included.
 */
export async function makeFolders(path: string, mode = 0o777): Promise<string | undefined> {
  let above: string | undefined;
  try {
    return await made(path, mode);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    above = await makeFolders(dirname(path), mode);
  }
  const here = await made(path, mode);
  return above ?? here;
}

/** One folder; undefined where it is there. */
async function made(path: string, mode: number): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return undefined;
    throw error;
  }
}
