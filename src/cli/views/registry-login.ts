/** `registry login` and `registry logout`: where a login is kept now, or no longer. */
import type { RegistryLogin } from '../../actions/registry-login.ts';
import type { RegistryLogout } from '../../actions/registry-logout.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

export function loginView(
  { registry, username, file, helper }: RegistryLogin,
  { paint, glyphs }: Look,
): string[] {
  const place = helper === undefined ? `in ${clean(file)}` : `by ${clean(helper)}`;
  return [
    `${paint.green(glyphs.tick)} logged in to ${paint.bold(clean(registry))} as ${clean(username)}`,
    `  kept ${place}, for docker and airferry alike`,
  ];
}

/** Warnings that belong to a login. */
export function loginWarnings({ registry, file, helper, checked }: RegistryLogin): string[] {
  return [
    ...(checked ? [] : [`${registry} lets in anybody: the login was kept without having been tried`]),
    ...(helper === undefined
      ? [`the password stands in ${file} unencrypted; a credential helper (credsStore) keeps it safer`]
      : []),
  ];
}

export function logoutView(
  { registry, found, file, helper }: RegistryLogout,
  { paint, glyphs }: Look,
): string[] {
  const place = helper === undefined ? clean(file) : clean(helper);
  return found
    ? [
        `${paint.green(glyphs.tick)} logged out of ${paint.bold(clean(registry))}: the login is gone from ${place}`,
      ]
    : [`no login to ${clean(registry)} is kept; nothing was done`];
}
