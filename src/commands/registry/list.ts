/** `airferry registry list`: what a registry has. */
import * as Flags from '@oclif/core/flags';
import { listRegistry } from '../../actions/registry-list.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { fileArgument } from '../../cli/flags.ts';
import { registryAccessFlags } from '../../cli/image-access.ts';
import { registryListView } from '../../cli/views/registry-list.ts';

export default class RegistryList extends BaseCommand {
  static override summary = 'List the repositories of a registry, their tags, and what each tag weighs.';
  static override description =
    'REGISTRY is a host with or without a path: hub.company.com lists all, hub.company.com/plant what is below ' +
    'plant. Digests and sizes take a request for each tag: they are shown where there are few tags, or with --sizes. ' +
    'Blobs that several tags share count once in the total.';
  static override examples = [
    { description: 'All of it', command: '<%= config.bin %> registry list hub.company.com' },
    {
      description: 'One repository, with whole digests',
      command: '<%= config.bin %> registry list hub.company.com/plant/app --verbose',
    },
    {
      description: 'Every name with its digest, for a script',
      command: '<%= config.bin %> registry list hub.company.com --sizes --json',
    },
  ];
  static override args = {
    registry: fileArgument('The registry, as hub.company.com or 10.0.0.5:5000/plant.'),
  };
  static override flags = {
    sizes: Flags.boolean({
      summary: 'Ask what each tag weighs, however many there are; or never, with --no-sizes.',
      allowNo: true,
    }),
    ...registryAccessFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RegistryList);
    const out = this.output(flags);
    const options = {
      place: args.registry,
      sizes: flags.sizes,
      plainHttp: flags['plain-http'],
      caFile: flags.ca,
      concurrency: flags.concurrency,
      requestsPerSecond: flags['requests-per-second'],
    };
    const result = await this.track(out, 'Reading', ({ signal }) => listRegistry({ ...options, signal }));
    this.end(out, { result, view: registryListView, asked: true });
  }
}
