/** `airferry bundle keygen`: a pair of keys for signing bundles. */
import * as Flags from '@oclif/core/flags';
import { assertNew, generateKeys, publicKeyPath } from '../../actions/bundle-keygen.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { SIGN_PASSWORD, signPassword } from '../../cli/sign-flags.ts';
import { keysView } from '../../cli/views/signatures.ts';
import { AirferryError } from '../../errors.ts';
import type { Secret } from '../../host/secret.ts';

export default class BundleKeygen extends BaseCommand {
  static override summary = 'Make a pair of keys for signing bundles.';
  static override description =
    'The keys are those of minisign, which can use them as well. Keep the secret one where bundles are made. Carry ' +
    'the public one, site.pub, to every site by another way than the bundles, and put it into ' +
    '~/.config/airferry/trusted-keys or /etc/airferry/trusted-keys: from then on, bundles without a signature of a ' +
    `trusted key are refused there. The password is asked for twice, or taken from ${SIGN_PASSWORD}.`;
  static override examples = [
    { description: 'Make site.key and site.pub', command: '<%= config.bin %> bundle keygen -o site.key' },
    {
      description: 'For a build server, where nobody types a password',
      command: '<%= config.bin %> bundle keygen -o ci.key --no-password',
    },
  ];
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'The secret key. The public one gets the same name, ending in .pub.',
      helpValue: 'FILE',
      required: true,
    }),
    'no-password': Flags.boolean({
      summary: 'Do not encrypt the secret key: its file is all that it takes to sign.',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(BundleKeygen);
    const { output } = flags;
    await assertNew(output, publicKeyPath(output));
    const password = flags['no-password'] ? undefined : await newPassword();
    const result = await generateKeys({ output, ...(password && { password }) });
    this.end(this.output(flags), { result, view: keysView, asked: false });
  }
}

async function newPassword(): Promise<Secret> {
  const first = await signPassword('Password for the new key', 'bundle keygen');
  if (first === undefined)
    throw new AirferryError('KEY_PASSWORD', 'the password is empty', {
      suggestions: ['For a key without a password, give --no-password.'],
    });
  const again = await signPassword('The same once more', 'bundle keygen');
  if (again?.reveal() !== first.reveal())
    throw new AirferryError('KEY_PASSWORD', 'the two passwords differ; no key was made');
  return first;
}
