/** Keys that would hold a secret in fleet.yaml, and where the secret belongs instead. */
import { type Path, pathText, printable } from './problem.ts';
import type { RefusedKey } from './validate.ts';

const SECRET = /pass(?:word|wd|phrase)?$|^(?:secret|token|auth)$/i;

/** Refuses passwords and their like: fleet files are mailed around and kept in version control. */
export const refuseSecrets: RefusedKey = (key: string, path: Path) => {
  if (!SECRET.test(key)) return undefined;
  const message = `\`${pathText([...path, key])}\` would keep a secret in a file that is copied, mailed and versioned`;
  if (path[0] === 'registry') {
    return { message, suggestions: ['Take it out and run `docker login`: airferry reads what that writes.'] };
  }
  const ssh = 'For logging in, use a key or an SSH agent, or set AIRFERRY_SSH_PASSWORD.';
  const sudo = 'For sudo, give --ask-sudo-password or set AIRFERRY_SUDO_PASSWORD.';
  const first = /sudo|become/i.test(key) ? [sudo, ssh] : [ssh, sudo];
  return { message, suggestions: [`Take \`${printable(key)}\` out. ${first[0]}`, first[1] ?? ''] };
};
