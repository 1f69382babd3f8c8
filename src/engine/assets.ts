/** The files that the package brings along for hosts: systemd/ and templates/, at its root. */
import { readFileSync } from 'node:fs';
import { AirferryError } from '../errors.ts';
import { PACKAGE_ROOT } from '../support/package-root.ts';

export type AssetFolder = 'systemd' | 'templates';

/** The text of a packaged file; `name` comes from our own tables, never from an operator. */
export function readAsset(folder: AssetFolder, name: string): string {
  const url = new URL(`${folder}/${name}`, PACKAGE_ROOT);
  try {
    return readFileSync(url, 'utf8');
  } catch (cause) {
    throw new AirferryError('INTERNAL', `airferry's own file ${folder}/${name} is missing`, {
      where: { file: url.pathname },
      suggestions: ['Install airferry again: its package is incomplete.'],
      cause,
    });
  }
}
