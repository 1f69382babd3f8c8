/** Flags about keys: those that are trusted, and the one that signs; and how its password is asked for. */
import * as Flags from '@oclif/core/flags';
import type { TrustOptions } from '../bundle/sign/trust.ts';
import type { Secret } from '../host/secret.ts';
import type { Output } from './output.ts';
import { secret } from './prompts.ts';

/** Of commands that read bundles. */
export const trustedKeyFlag = {
  'trusted-key': Flags.string({
    summary:
      'A public key, as bundle keygen writes it; the bundle must be signed by one of those named. May be repeated. ' +
      '[default: those in ~/.config/airferry/trusted-keys and /etc/airferry/trusted-keys]',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

/** What those flags say, and who is told of bundles for which no signature vouches. */
export function trustFrom(
  flags: { 'trusted-key'?: string[] | undefined },
  out: Pick<Output, 'note'>,
): TrustOptions {
  return { trustedKeys: flags['trusted-key'], onUnsigned: sentence => out.note(sentence) };
}

/** The environment variable that has the password of a secret key. */
export const SIGN_PASSWORD = 'AIRFERRY_SIGN_PASSWORD';

/** Ask for the password of a secret key, unless the environment has it. Throws CONFIRMATION_NEEDED without a terminal. */
export function signPassword(title: string, flag: string): Promise<Secret | undefined> {
  return secret({ title, variable: SIGN_PASSWORD, flag, wanted: true, yes: false });
}
