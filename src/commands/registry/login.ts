/** `airferry registry login`: keep a login to a registry, for Docker and for airferry. */
import * as Flags from '@oclif/core/flags';
import { knownUser, logIn } from '../../actions/registry-login.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fileArgument } from '../../cli/flags.ts';
import { registryAccessFlags } from '../../cli/image-access.ts';
import { line, secret } from '../../cli/prompts.ts';
import { secretFromStdin } from '../../cli/stdin.ts';
import { loginView, loginWarnings } from '../../cli/views/registry-login.ts';
import { parseRegistryAddress } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';

const { 'plain-http': plainHttp, ca } = registryAccessFlags;
const VARIABLE = 'AIRFERRY_REGISTRY_PASSWORD';

export default class RegistryLogin extends BaseCommand {
  static override summary = 'Log in to a registry, and keep the login where Docker keeps its own.';
  static override description =
    'The login is tried first, and kept only when the registry knows it: by the credential helper that ' +
    "Docker's config.json names, else in that file. There is no --password: every user of a machine sees the " +
    `arguments of a command. The password is asked for, read from stdin, or taken from ${VARIABLE}.`;
  static override examples = [
    {
      description: 'Asked for the password',
      command: '<%= config.bin %> registry login hub.company.com -u ops',
    },
    {
      description: 'In a script, as a robot account',
      command:
        "<%= config.bin %> registry login hub.company.com -u 'robot$plant' --password-stdin < /run/secrets/hub",
    },
  ];
  static override args = { registry: fileArgument('The registry, as hub.company.com or 10.0.0.5:5000.') };
  static override flags = {
    username: Flags.string({
      char: 'u',
      summary: 'The user. [default: the one of the login that is kept, else asked for]',
      helpValue: 'USER',
    }),
    'password-stdin': Flags.boolean({ summary: 'Read the password from stdin.' }),
    password: Flags.string({ char: 'p', hidden: true }),
    'plain-http': plainHttp,
    ca,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryLogin);
    const out = this.output(flags);
    if (flags.password !== undefined) {
      throw new AirferryError(
        'USAGE',
        'a password is not taken from the command line, where every user of this machine sees it',
        {
          suggestions: [
            'Leave it out to be asked for it, or give it with --password-stdin.',
            'The shell may have written it to its history: change the password if that matters.',
          ],
        },
      );
    }
    const registry = parseRegistryAddress(args.registry);
    const username =
      flags.username ?? (await knownUser(registry)) ?? (await line('User name', 'Name the user: -u USER'));
    const password = flags['password-stdin']
      ? await secretFromStdin('--password-stdin')
      : await secret({
          title: `password of ${username} at ${registry}`,
          variable: VARIABLE,
          flag: 'registry login',
          wanted: true,
          yes: false,
        });
    if (password === undefined) {
      throw new AirferryError('USAGE', 'the password is empty; nothing was done');
    }
    const options = {
      registry,
      username,
      password: password.reveal(),
      plainHttp: flags['plain-http'],
      caFile: flags.ca,
    };
    const result = await this.track(out, 'Asking', ({ signal }) => logIn({ ...options, signal }));
    for (const warning of loginWarnings(result)) out.warn(warning);
    this.end(out, { result, view: loginView, asked: false });
  }
}
