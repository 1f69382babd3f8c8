/** `airferry image copy`: images from any place to any place. */
import * as Args from '@oclif/core/args';
import { copyImages } from '../../actions/image-copy.ts';
import { sourceLocation, targetLocation } from '../../actions/image-words.ts';
import { bundleSourceFlags, dryRunFlag, onlyFlag, sshFlags } from '../../cli/flags.ts';
import {
  accessOf,
  createProjectsFlag,
  forceFlag,
  foreignLayersFlag,
  platformFlag,
  referrersFlag,
  registryAccessFlags,
  registryPairFlags,
  retagFlag,
} from '../../cli/image-access.ts';
import { ImageCommand } from '../../cli/image-command.ts';
import { imageNameFlags, retagFileFlag } from '../../cli/image-flags.ts';
import { engineLogin } from '../../cli/reach.ts';
import { trustedKeyFlag } from '../../cli/sign-flags.ts';

export default class ImageCopy extends ImageCommand {
  static override summary = 'Copy images between registries, archives, layouts, bundles and engines.';
  static override description =
    'Places are written as in skopeo: docker://HOST/NAME, docker-archive:FILE, oci:FOLDER, oci-archive:FILE, ' +
    'bundle:FILE, docker-daemon:NAME, and docker-daemon:ssh://user@host/NAME for the engine of a host. A word ' +
    'without a transport is a file or folder if there is one, else a name in a registry. A place that names no image ' +
    'means all of its images, and their names are kept; docker://HOST/ changes only their registry. What the target ' +
    'has already is not moved.';
  static override examples = [
    {
      description: 'One image from one registry to another, all platforms',
      command: '<%= config.bin %> image copy docker://nginx:1.25 docker://hub.company.com/library/nginx:1.25',
    },
    {
      description: 'All images of two archives into one layout',
      command: '<%= config.bin %> image copy mysql.tar redis.tar oci:layouts/db',
    },
    {
      description: 'With signatures and SBOMs, for one platform',
      command:
        '<%= config.bin %> image copy docker://hub.company.com/app:2 bundle:app.tar --platform linux/arm64 --referrers',
    },
  ];
  static override args = {
    source: Args.string({
      description: 'Where images are. May be several.',
      required: true,
      ignoreStdin: true,
    }),
    target: Args.string({ description: 'Where they go.', required: true, ignoreStdin: true }),
  };
  static override strict = false;
  static override flags = {
    ...retagFlag,
    ...retagFileFlag,
    ...onlyFlag,
    ...imageNameFlags,
    ...platformFlag,
    ...referrersFlag,
    ...foreignLayersFlag,
    ...forceFlag,
    ...dryRunFlag,
    ...registryAccessFlags,
    ...trustedKeyFlag,
    ...bundleSourceFlags,
    ...registryPairFlags,
    ...createProjectsFlag,
    ...sshFlags,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageCopy);
    const words = argv.map(String);
    const target = targetLocation(words.pop() ?? '');
    const sources = words.map(word => sourceLocation(word, 'docker'));
    const login = await engineLogin(flags, [...sources, target]);
    await this.copy(flags, { title: 'Copying', done: 'copied' }, work =>
      copyImages({ ...work, ...accessOf(flags), login, sources, target }),
    );
  }
}
