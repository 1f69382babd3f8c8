/** `airferry registry serve`: be a registry, out of a bundle or over a folder. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { serveImages } from '../../actions/registry-serve.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { asAirferryError } from '../../cli/failure.ts';
import { bundleFrom, bundleSourceFlags } from '../../cli/flags.ts';
import { trustedKeyFlag, trustFrom } from '../../cli/sign-flags.ts';
import { requestLine, servingView } from '../../cli/views/registry-serve.ts';
import { EXIT } from '../../errors.ts';

export default class RegistryServe extends BaseCommand {
  static override summary =
    'Serve images as a registry: read-only out of bundles and archives, or a folder to push to.';
  static override description =
    'SOURCE is a bundle, an archive or a layout; nothing is unpacked. Repositories are called by their path, so that ' +
    'docker.io/library/nginx is library/nginx, and nginx for short; with the registry in front, as ' +
    'quay.io/plant/app, they are found too, which tells apart two of the same path. With --storage the registry also ' +
    'takes pushes: DIR then has an OCI layout for each repository. Where anyone but this machine could reach it, it ' +
    'wants a certificate, or --plain-http.';
  static override examples = [
    {
      description: 'Out of a bundle, for this machine',
      command: '<%= config.bin %> registry serve site.tar',
    },
    {
      description: 'For the whole site, with a certificate and passwords',
      command:
        '<%= config.bin %> registry serve site.tar --listen 0.0.0.0:5000 --tls-cert hub.crt --tls-key hub.key --htpasswd users',
    },
    {
      description: 'A registry to push to',
      command: '<%= config.bin %> registry serve --storage /srv/registry --listen 10.0.0.5:5000 --plain-http',
    },
  ];
  static override strict = false;
  static override args = {
    source: Args.string({
      description: 'A bundle, an archive or a layout. Several may be given.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...bundleSourceFlags,
    ...trustedKeyFlag,
    storage: Flags.string({
      summary: 'Serve a folder, which also takes what is pushed. It is made if there is none.',
      helpValue: 'DIR',
    }),
    listen: Flags.string({
      summary: 'Where to listen; port 0 takes a free one.',
      helpValue: 'HOST:PORT',
      default: '127.0.0.1:5000',
    }),
    'plain-http': Flags.boolean({ summary: 'Do without TLS on an address that other machines can reach.' }),
    'tls-cert': Flags.string({
      summary: 'The certificate, with those between it and its CA, in PEM format.',
      helpValue: 'FILE',
      dependsOn: ['tls-key'],
    }),
    'tls-key': Flags.string({
      summary: 'Its private key, in PEM format.',
      helpValue: 'FILE',
      dependsOn: ['tls-cert'],
    }),
    htpasswd: Flags.string({
      summary: 'Ask for names and passwords out of this file, as `htpasswd -B` writes it.',
      helpValue: 'FILE',
    }),
    uploads: Flags.integer({
      summary: 'Blobs that are taken in at once; others wait.',
      helpValue: 'N',
      default: 32,
      min: 1,
      max: 1000,
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(RegistryServe);
    const out = this.output(flags);
    const { 'tls-cert': cert, 'tls-key': key } = flags;
    const stopping = (): void => out.note('Stopping (Ctrl-C again to stop at once)');
    await this.interruptible(stopping, signal =>
      serveImages({
        sources: argv.map(String),
        ...trustFrom(flags, out),
        from: bundleFrom(flags),
        storage: flags.storage,
        listen: flags.listen,
        plainHttp: flags['plain-http'],
        tls: cert !== undefined && key !== undefined ? { cert, key } : undefined,
        htpasswd: flags.htpasswd,
        uploads: flags.uploads,
        signal,
        onReady: result => this.end(out, { result, view: servingView, asked: true }),
        onRequest: out.verbose ? request => out.note(requestLine(request)) : undefined,
        onProblem: error => out.warn(asAirferryError(error).message),
      }),
    );
    // To be told to stop is how it ends, and no failure; scripts learn it from the status.
    process.exitCode = EXIT.interrupted;
  }
}
