/** `airferry bundle sign`: put a signature into a bundle. */
import * as Flags from '@oclif/core/flags';
import { openSecretKey, signWithFile, signWithKey } from '../../actions/bundle-sign.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fileArgument } from '../../cli/flags.ts';
import { SIGN_PASSWORD, signPassword } from '../../cli/sign-flags.ts';
import { signedView } from '../../cli/views/signatures.ts';

export default class BundleSign extends BaseCommand {
  static override summary = 'Sign a bundle.';
  static override description =
    'The signature is one of minisign over the manifest, which names every blob by its digest. It goes to the end of ' +
    'the bundle; nothing else of the file is written. A bundle may have signatures of several keys, as while one key ' +
    `follows another. The password of the key is asked for, or taken from ${SIGN_PASSWORD}.`;
  static override examples = [
    { description: 'Sign', command: '<%= config.bin %> bundle sign site.tar -k site.key' },
    {
      description:
        'With a key on a machine that nothing is connected to: carry manifest.json there, and its signature back',
      command:
        '<%= config.bin %> bundle inspect --manifest site.tar > manifest.json\n' +
        'minisign -Sm manifest.json\n' +
        '<%= config.bin %> bundle sign site.tar --signature manifest.json.minisig --public-key site.pub',
    },
  ];
  static override args = { bundle: fileArgument('The bundle.') };
  static override flags = {
    key: Flags.string({
      char: 'k',
      summary: 'The secret key, of bundle keygen or of minisign.',
      helpValue: 'FILE',
      exactlyOne: ['key', 'signature'],
    }),
    comment: Flags.string({
      summary: 'What the signature says, signed with it. [default: when, and of what]',
      helpValue: 'TEXT',
      dependsOn: ['key'],
    }),
    signature: Flags.string({
      summary: 'A signature that minisign made of the manifest elsewhere.',
      helpValue: 'FILE',
      dependsOn: ['public-key'],
    }),
    'public-key': Flags.string({
      summary: 'The public key of that signature.',
      helpValue: 'FILE',
      dependsOn: ['signature'],
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleSign);
    const out = this.output(flags);
    const { key: file, comment, signature = '', 'public-key': publicKey = '' } = flags;
    const opened =
      file === undefined
        ? undefined
        : await openSecretKey(file, () => signPassword(`Password of ${file}`, '--key'));
    for (const warning of opened?.warnings ?? []) out.warn(warning);
    const result = await this.interruptible(
      () => undefined,
      signal =>
        opened === undefined
          ? signWithFile(args.bundle, { signature, publicKey }, { signal })
          : signWithKey(args.bundle, opened.key, { comment, signal }),
    );
    this.end(out, { result, view: signedView, asked: false });
  }
}
