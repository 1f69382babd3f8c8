/** `airferry image push`: images into a registry. */
import * as Args from '@oclif/core/args';
import { pushImages } from '../../actions/image-push.ts';
import { bundleSourceFlags, dryRunFlag, onlyFlag, sourceArgument } from '../../cli/flags.ts';
import {
  accessOf,
  createProjectsFlag,
  platformFlag,
  referrersFlag,
  registryAccessFlags,
  retagFlag,
} from '../../cli/image-access.ts';
import { ImageCommand } from '../../cli/image-command.ts';
import { imageNameFlags, retagFileFlag } from '../../cli/image-flags.ts';
import { trustedKeyFlag } from '../../cli/sign-flags.ts';

export default class ImagePush extends ImageCommand {
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
      description: 'The registry, as hub.company.com or 10.0.0.5:5000; with a path, as hub.company.com/team.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override strict = false;
  static override flags = {
    ...retagFlag,
    ...retagFileFlag,
    ...onlyFlag,
    ...imageNameFlags,
    ...platformFlag,
    ...referrersFlag,
    ...dryRunFlag,
    ...registryAccessFlags,
    ...trustedKeyFlag,
    ...bundleSourceFlags,
    ...createProjectsFlag,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImagePush);
    const sources = argv.map(String);
    const registry = sources.pop() ?? '';
    await this.copy(flags, { title: 'Pushing', done: 'pushed' }, work =>
      pushImages({ ...work, ...accessOf(flags), sources, registry }),
    );
  }
}
