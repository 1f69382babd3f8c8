/** `airferry receipt create`: what the far side has. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { HostsOptions } from '../../actions/host-results.ts';
import { sourceLocation } from '../../actions/image-words.ts';
import { createReceipt } from '../../actions/receipt-create.ts';
import { bundleSourceFlags, hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { accessOf, registryAccessFlags } from '../../cli/image-access.ts';
import { engineLogin } from '../../cli/reach.ts';
import { receiptView } from '../../cli/views/receipt.ts';
import { AirferryError } from '../../errors.ts';
import { Meter } from '../../support/meter.ts';

export default class ReceiptCreate extends HostCommand {
  static override summary = 'Write down what the far side has, for the next bundle to leave out.';
  static override description =
    'A receipt names blobs by digest: those of bundles, archives, layouts and registries, and what all of the hosts have ' +
    'of engine, files and layers. It is text, of about 90 bytes a blob, and shrinks to half with gzip. Carry it back, ' +
    'and give it to bundle create with --receipt.';
  static override examples = [
    {
      description: "The site's registry",
      command: '<%= config.bin %> receipt create docker://hub.company.com/ -o far.json',
    },
    { description: 'A fleet', command: '<%= config.bin %> receipt create -F fleet.yaml -o far.json' },
    {
      description: 'Where the bundle is made, what is new since then',
      command: '<%= config.bin %> bundle create --receipt far.json -o update.tar',
    },
  ];
  static override args = {
    place: Args.string({
      description: 'A bundle, archive, layout or registry, as docker://HOST/. May be several.',
      ignoreStdin: true,
    }),
  };
  static override strict = false;
  static override flags = {
    output: Flags.string({ char: 'o', summary: 'The receipt.', helpValue: 'FILE', required: true }),
    ...registryAccessFlags,
    ...bundleSourceFlags,
    ...hostFlags,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ReceiptCreate);
    const out = this.output(flags);
    const places = argv.map(word => sourceLocation(String(word), 'docker'));
    const onHosts = flags.host !== undefined || flags.fleet !== undefined;
    if (places.length === 0 && !onHosts) throw nothing();
    const login = await engineLogin(flags, places);
    const options = { ...accessOf(flags), login, places, output: flags.output };
    if (!onHosts) {
      const result = await this.track(out, 'Taking stock', work => createReceipt({ ...options, ...work }));
      this.end(out, { result, view: receiptView, asked: false });
      return;
    }
    const action = (hosts: HostsOptions) =>
      createReceipt({ ...options, hosts, meter: new Meter(), ...(hosts.signal && { signal: hosts.signal }) });
    const ending = await this.onHosts(out, flags, { readOnly: true, together: true, action });
    this.endHosts(out, { ...ending, view: receiptView, asked: false });
  }
}

function nothing(): AirferryError {
  return new AirferryError('USAGE', 'nothing is named to take stock of', {
    suggestions: ['Name bundles, layouts or registries, or hosts with -F FILE or --host.'],
  });
}
