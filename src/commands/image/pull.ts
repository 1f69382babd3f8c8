/** `airferry image pull`: images of registries into an engine or a file. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { copyImages } from '../../actions/image-copy.ts';
import { asked, sourceLocation, targetLocation } from '../../actions/image-words.ts';
import { dryRunFlag, sshFlags } from '../../cli/flags.ts';
import {
  accessOf,
  forceFlag,
  foreignLayersFlag,
  platformFlag,
  referrersFlag,
  registryAccessFlags,
  retagFlag,
} from '../../cli/image-access.ts';
import { ImageCommand } from '../../cli/image-command.ts';
import { imageNameFlags, retagFileFlag } from '../../cli/image-flags.ts';
import { engineLogin } from '../../cli/reach.ts';

export default class ImagePull extends ImageCommand {
  static override summary = 'Pull images from registries into an engine, or into a file.';
  static override description =
    'As docker pull, but airferry speaks to the registry: with its logins and certificates, and with rules for names. ' +
    'Without --output images go into the local engine, for its platform.';
  static override examples = [
    {
      description: 'Into the local engine',
      command: '<%= config.bin %> image pull hub.company.com/library/nginx:1.25',
    },
    {
      description: 'Into the engine of a host that cannot reach the registry, under the name that it knows',
      command:
        "<%= config.bin %> image pull hub.company.com/library/nginx:1.25 -o docker-daemon:ssh://ops@10.77.0.11 --retag 'hub.company.com/library/*=*'",
    },
  ];
  static override args = {
    image: Args.string({ description: 'An image. May be several.', ignoreStdin: true }),
  };
  static override strict = false;
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'Where images go instead: an archive, oci:FOLDER, bundle:FILE, docker-daemon:ssh://user@host.',
      helpValue: 'PLACE',
    }),
    ...retagFlag,
    ...retagFileFlag,
    ...imageNameFlags,
    ...platformFlag,
    ...referrersFlag,
    ...foreignLayersFlag,
    ...forceFlag,
    ...dryRunFlag,
    ...sshFlags,
    ...registryAccessFlags,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImagePull);
    const named = argv.map(word => sourceLocation(String(word), 'docker'));
    const target = targetLocation(flags.output ?? 'docker-daemon:');
    const login = await engineLogin(flags, [...named, target]);
    await this.copy(flags, { title: 'Pulling', done: 'pulled' }, ({ wanted, ...work }) =>
      copyImages({ ...work, ...accessOf(flags), ...asked(named, wanted, 'docker'), login, target }),
    );
  }
}
