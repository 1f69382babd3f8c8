/** `airferry image push`: images into a registry. */
import { Args, Flags } from '@oclif/core';
import { pushImages } from '../../actions/image-push.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { dryRunFlag, onlyFlag, sourceArgument } from '../../cli/flags.ts';
import { pushedView, unnamedWarning } from '../../cli/views/images.ts';

export default class ImagePush extends BaseCommand {
  static override summary = 'Fill a registry from a bundle, an archive or a layout.';
  static override description =
    'Names keep their path and get the registry: nginx:1.25 becomes hub.company.com/library/nginx:1.25. Retag rules ' +
    'change that; they are tried in order, and the first that matches a name rewrites it. Only blobs that the ' +
    'registry lacks are sent. Credentials and certificates are those of Docker: ~/.docker/config.json and ' +
    '/etc/docker/certs.d.';
  static override examples = [
    {
      description: 'All images of a bundle',
      command: '<%= config.bin %> image push site.tar hub.company.com',
    },
    {
      description: 'See first what each name becomes',
      command:
        "<%= config.bin %> image push site.tar hub.company.com --retag 'rancher/*=hub.company.com/rancher/*' --dry-run",
    },
    {
      description: 'To a registry without TLS',
      command: '<%= config.bin %> image push mysql.tar 10.0.0.5:5000 --plain-http',
    },
  ];
  static override args = {
    source: sourceArgument,
    registry: Args.string({
      description: 'The registry, as hub.company.com or 10.0.0.5:5000.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    retag: Flags.string({
      summary:
        'A rule for names, as rancher/*=hub.company.com/rancher/*. May be repeated; the first that matches counts.',
      helpValue: 'PATTERN=REPL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...onlyFlag,
    ...dryRunFlag,
    'plain-http': Flags.boolean({ summary: 'Speak HTTP. Never done unless asked for.', exclusive: ['ca'] }),
    ca: Flags.string({ summary: "The certificate of the registry's CA, in PEM.", helpValue: 'FILE' }),
    concurrency: Flags.integer({
      summary: 'Blobs under way at once. [default: 5]',
      helpValue: 'N',
      min: 1,
      max: 64,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ImagePush);
    const out = this.output(flags);
    const options = {
      source: args.source,
      registry: args.registry,
      rules: flags.retag ?? [],
      only: flags.only,
      dryRun: flags['dry-run'],
      plainHttp: flags['plain-http'],
      caFile: flags.ca,
      concurrency: flags.concurrency,
    };
    const title = flags['dry-run'] ? 'Reading' : 'Pushing';
    const result = await this.track(out, title, work => pushImages({ ...options, ...work }));
    const warning = unnamedWarning(result);
    if (warning) out.warn(warning);
    this.end(out, { result, view: pushedView, asked: flags['dry-run'] });
  }
}
