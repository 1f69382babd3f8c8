/** `airferry bundle verify`: is a bundle what it says it is. */
import * as Flags from '@oclif/core/flags';
import { problemsError } from '../../actions/bundle-verify.ts';
import { verifyAndReport } from '../../actions/bundle-verify-report.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { bundleFrom, bundleSourceFlags, fileArgument } from '../../cli/flags.ts';
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
      description: 'Keep the evidence for the record, and a page of it for auditors',
      command: '<%= config.bin %> bundle verify site.tar --report verified.json --report verified.html',
    },
  ];
  static override args = { bundle: fileArgument('The bundle.') };
  static override flags = {
    report: Flags.string({
      summary:
        'Write evidence for auditors: what was checked, when, by which key, and every digest. As JSON or as a page that ' +
        'needs no network, by the end of the name. Written also when the bundle is refused. May be repeated.',
      helpValue: 'FILE.json|FILE.html',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...trustedKeyFlag,
    ...bundleSourceFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleVerify);
    const out = this.output(flags);
    const result = await this.track(out, 'Verifying', work =>
      verifyAndReport({
        path: args.bundle,
        reports: flags.report ?? [],
        airferry: this.config.version,
        trustedKeys: flags['trusted-key'],
        from: bundleFrom(flags),
        ...work,
      }),
    );
    this.end(out, { result, view: verifiedView, asked: false, error: problemsError(result) });
  }
}
