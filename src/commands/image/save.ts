/** `airferry image save`: images of engines and registries into a file. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { copyImages } from '../../actions/image-copy.ts';
import { savedFrom, savedTo } from '../../actions/image-save.ts';
import { asked, sourceLocation } from '../../actions/image-words.ts';
import { dryRunFlag, hostFlags, sshFlags } from '../../cli/flags.ts';
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
import type { FileTransport } from '../../transports/location.ts';

export default class ImageSave extends ImageCommand {
  static override summary = 'Save images of engines or registries to an archive, a layout or a bundle.';
  static override description =
    'Names are images of the local engine, as for docker save; none means all of them. With --host or --fleet they ' +
    'are images of those engines, all in one archive that holds shared layers once. docker://HOST/NAME is an image of ' +
    'a registry, with all its platforms. The archive is loaded by docker load of any engine; its layers are ' +
    'compressed. The file gets its name only when it is whole.';
  static override examples = [
    { description: 'One image of this engine', command: '<%= config.bin %> image save mysql:8 -o mysql.tar' },
    {
      description: 'All images of three hosts, each layer once',
      command:
        '<%= config.bin %> image save -H ops@10.77.0.11 -H ops@10.77.0.12 -H ops@10.77.0.13 -o plant.tar',
    },
    {
      description: 'An image of a registry for two platforms, as an OCI layout',
      command:
        '<%= config.bin %> image save docker://nginx:1.25 -o oci:nginx --platform linux/amd64 --platform linux/arm64',
    },
  ];
  static override args = {
    image: Args.string({
      description: 'An image, by name, digest or ID. May be several.',
      ignoreStdin: true,
    }),
  };
  static override strict = false;
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'The file, or the folder of a layout; or a place as oci:FOLDER.',
      helpValue: 'PLACE',
      required: true,
    }),
    format: Flags.option({
      summary: 'What to write. [default: docker-archive]',
      options: ['docker-archive', 'oci-archive', 'oci', 'bundle'] as const,
    })(),
    compression: Flags.option({
      summary: 'How layers are compressed that are not compressed yet. [default: gzip]',
      options: ['gzip', 'zstd', 'none'] as const,
    })(),
    ...retagFlag,
    ...retagFileFlag,
    ...imageNameFlags,
    ...platformFlag,
    ...referrersFlag,
    ...foreignLayersFlag,
    ...forceFlag,
    ...dryRunFlag,
    host: hostFlags.host,
    fleet: hostFlags.fleet,
    ...sshFlags,
    ...registryAccessFlags,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageSave);
    const { host: hosts, fleet: fleetFile, compression } = flags;
    const named = argv.map(word => sourceLocation(String(word), 'docker-daemon'));
    const target = savedTo(flags.output, flags.format as FileTransport | undefined);
    await this.copy(flags, { title: 'Saving', done: 'saved' }, async ({ wanted: names, ...work }) => {
      const { sources: places, wanted } = asked(named, names, 'docker-daemon');
      const sources = await savedFrom(places, { hosts, fleetFile });
      const login = await engineLogin(flags, sources);
      return copyImages({ ...work, ...accessOf(flags), login, compression, sources, wanted, target });
    });
  }
}
