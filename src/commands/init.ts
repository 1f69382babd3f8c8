/** `airferry init`: the first recipe and fleet file of a site. */
import * as Flags from '@oclif/core/flags';
import { initSite } from '../actions/init.ts';
import { type HostUse, useOfHost } from '../actions/init-host.ts';
import { dryRunFlag, sshFlags, yesFlag } from '../cli/flags.ts';
import { HostCommand } from '../cli/host-command.ts';
import { type Answers, askForRest, withDefaults } from '../cli/init-questions.ts';
import type { Output } from '../cli/output.ts';
import { canAsk } from '../cli/prompts.ts';
import { initView } from '../cli/views/init.ts';

const many = { multiple: true, multipleNonGreedy: true } as const;

export default class Init extends HostCommand {
  static override summary = 'Write bundle.yaml and fleet.yaml, by asking or from what is in use already.';
  static override description =
    'On a terminal it asks for what no flag says; without one, or with --yes, it takes what is usual. Files that are there ' +
    'are not touched without --force.';
  static override examples = [
    { description: 'By asking', command: '<%= config.bin %> init' },
    {
      description: 'The images of a compose project, for the engine of a host that runs it',
      command: '<%= config.bin %> init --from-compose docker-compose.yml --from-host ops@10.77.0.11 --yes',
    },
    {
      description: 'From the manifests of a cluster, for two hosts',
      command:
        '<%= config.bin %> init --from-kubernetes manifests/ --host ops@10.77.0.11 --host ops@10.77.0.12 --yes',
    },
  ];
  static override flags = {
    dir: Flags.string({
      summary: 'The folder that the files go to; it is made if there is none.',
      helpValue: 'DIR',
      default: '.',
    }),
    name: Flags.string({ summary: 'The name of the bundle.', helpValue: 'NAME' }),
    'bundle-version': Flags.string({ summary: 'The version of the bundle.', helpValue: 'VERSION' }),
    platform: Flags.string({
      summary: 'A platform of the hosts, as linux/arm64. May be repeated.',
      helpValue: 'OS/ARCH',
      ...many,
    }),
    engine: Flags.string({ summary: 'The version of the engine, or none.', helpValue: 'VERSION' }),
    compose: Flags.string({ summary: 'The version of compose, or none.', helpValue: 'VERSION' }),
    template: Flags.string({ summary: 'The template of daemon.json.', helpValue: 'NAME' }),
    image: Flags.string({ summary: 'An image to carry. May be repeated.', helpValue: 'IMAGE', ...many }),
    registry: Flags.string({ summary: "The site's registry.", helpValue: 'HOST[:PORT]' }),
    'registry-ip': Flags.string({ summary: 'Its address for a line in /etc/hosts.', helpValue: 'IP' }),
    'insecure-registry': Flags.boolean({ summary: 'The registry speaks plain HTTP.' }),
    host: Flags.string({
      char: 'H',
      summary: 'A host of the fleet, as user@address[:port]. May be repeated.',
      helpValue: 'HOST',
      ...many,
    }),
    'from-compose': Flags.string({
      summary: 'Carry the images of this compose file. May be repeated.',
      helpValue: 'FILE',
      ...many,
    }),
    'from-kubernetes': Flags.string({
      summary: 'Carry the images of these manifests, a file or a folder. May be repeated.',
      helpValue: 'PATH',
      ...many,
    }),
    'from-host': Flags.string({
      summary: 'Take engine, compose, platform and the images of its containers from this host.',
      helpValue: 'USER@ADDRESS',
    }),
    force: Flags.boolean({ summary: 'Replace files that are there.' }),
    ...sshFlags,
    ...yesFlag,
    ...dryRunFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Init);
    const out = this.output(flags);
    const host = flags['from-host'];
    const use: HostUse =
      host === undefined
        ? { images: [], warnings: [] }
        : await this.#ask(out, { ...flags, host: [host], parallel: 1 });
    const images = [...new Set([...(flags.image ?? []), ...use.images])];
    const known = flags.image !== undefined || host !== undefined;
    const given: Partial<Answers> = defined({
      name: flags.name,
      version: flags['bundle-version'],
      platforms: flags.platform ?? (use.platform === undefined ? undefined : [use.platform]),
      engine: flags.engine ?? use.engine,
      // A host that has none is asked for none.
      composeVersion: flags.compose ?? use.compose ?? (host === undefined ? undefined : 'none'),
      template: flags.template,
      registry: flags.registry,
      registryIp: flags['registry-ip'],
      images: known || flags['from-compose'] || flags['from-kubernetes'] ? images : undefined,
      hosts: flags.host,
    });
    const answers = canAsk(flags) ? await askForRest(given) : withDefaults(given);
    const result = await initSite({
      ...answers,
      dir: flags.dir,
      fromCompose: flags['from-compose'] ?? [],
      fromKubernetes: flags['from-kubernetes'] ?? [],
      insecureRegistry: flags['insecure-registry'],
      force: flags.force,
      dryRun: flags['dry-run'],
    });
    for (const warning of [...use.warnings, ...result.warnings]) out.warn(warning);
    this.end(out, { result, view: initView, asked: flags['dry-run'] });
  }

  async #ask(out: Output, flags: Parameters<HostCommand['onHosts']>[1] & object): Promise<HostUse> {
    let use: HostUse = { images: [], warnings: [] };
    await this.onHosts(out, flags, {
      readOnly: true,
      action: async options => {
        use = await useOfHost(options);
        return { hosts: [], dryRun: false };
      },
    });
    return use;
  }
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
