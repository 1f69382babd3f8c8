/** `airferry bundle verify`: is a bundle what it says it is. */
import { problemsError, verifyBundle } from '../../actions/bundle-verify.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fileArgument } from '../../cli/flags.ts';
import { trustedKeyFlag } from '../../cli/sign-flags.ts';
import { verifiedView } from '../../cli/views/bundle.ts';

export default class BundleVerify extends BaseCommand {
  static override summary = 'Hash every blob of a bundle, follow every reference, and check who signed it.';
  static override description =
    'Run it on the far side, before anything is installed. A bundle that is not sound ends with exit status 4, ' +
    'and each damaged blob is named with its offset and with what needs it. Where keys are trusted, so does one that ' +
    'none of them has signed.';
  static override examples = [
    { description: 'Check a bundle', command: '<%= config.bin %> bundle verify site.tar' },
    {
      description: 'Keep the report for the record',
      command: '<%= config.bin %> bundle verify site.tar --json > site.verified.json',
    },
  ];
  static override args = { bundle: fileArgument('The bundle.') };
  static override flags = trustedKeyFlag;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleVerify);
    const out = this.output(flags);
    const result = await this.track(out, 'Verifying', work =>
      verifyBundle({ path: args.bundle, trustedKeys: flags['trusted-key'], ...work }),
    );
    this.end(out, { result, view: verifiedView, asked: false, error: problemsError(result) });
  }
}
