/** `airferry registry logout`: forget a login to a registry. */
import { logOut } from '../../actions/registry-logout.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fileArgument } from '../../cli/flags.ts';
import { logoutView } from '../../cli/views/registry-login.ts';
import { parseRegistryAddress } from '../../content/reference.ts';

export default class RegistryLogout extends BaseCommand {
  static override summary =
    "Forget the login to a registry, in Docker's config.json and its credential helper.";
  static override examples = [
    { description: 'Log out', command: '<%= config.bin %> registry logout hub.company.com' },
  ];
  static override args = { registry: fileArgument('The registry, as hub.company.com or 10.0.0.5:5000.') };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryLogout);
    const out = this.output(flags);
    const result = await logOut({ registry: parseRegistryAddress(args.registry) });
    this.end(out, { result, view: logoutView, asked: false });
  }
}
