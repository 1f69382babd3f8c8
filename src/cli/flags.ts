/** Flags and arguments that several commands share; spread into the static `flags` of each. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';

/** Of every command. */
export const globalFlags = {
  json: Flags.boolean({
    summary: 'Print one JSON document on stdout.',
    helpGroup: 'GLOBAL',
  }),
  quiet: Flags.boolean({
    char: 'q',
    summary: 'No progress, and nothing at the end but errors and what was asked for.',
    helpGroup: 'GLOBAL',
  }),
  verbose: Flags.boolean({
    char: 'v',
    summary: 'Tell more.',
    helpGroup: 'GLOBAL',
    exclusive: ['quiet'],
  }),
};

/** Of commands that change something. */
export const dryRunFlag = {
  'dry-run': Flags.boolean({ summary: 'Say what would be done, and change nothing.' }),
};

/** Of commands that might ask something. */
export const yesFlag = {
  yes: Flags.boolean({ char: 'y', summary: 'Ask nothing; the answer is yes.' }),
};

export const onlyFlag = {
  only: Flags.string({
    summary: 'Only the image with this name, as Docker shows it. May be repeated.',
    helpValue: 'IMAGE',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

/** What hosts are to know of the site's registry, where a fleet file does not say it. */
export const registryFlags = {
  registry: Flags.string({
    summary: "The site's registry, as hosts are to know it.",
    helpValue: 'HOST[:PORT]',
    helpGroup: 'REGISTRY',
  }),
  'registry-ip': Flags.string({
    summary: "The registry's address for a line in /etc/hosts.",
    helpValue: 'IP',
    helpGroup: 'REGISTRY',
  }),
  'registry-ca': Flags.string({
    summary: "The CA that signed the registry's certificate, in PEM format.",
    helpValue: 'FILE',
    helpGroup: 'REGISTRY',
  }),
  'insecure-registry': Flags.boolean({
    summary: 'The registry speaks plain HTTP, or has a certificate that nobody can check.',
    helpGroup: 'REGISTRY',
  }),
};

/** How to log in to hosts. */
export const sshFlags = {
  identity: Flags.string({
    char: 'i',
    summary: 'A private key file, as for ssh. May be repeated.',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'SSH',
  }),
  user: Flags.string({
    char: 'l',
    summary: 'The user where neither the host nor the fleet file names one.',
    helpValue: 'NAME',
    helpGroup: 'SSH',
  }),
  'known-hosts': Flags.string({
    summary: 'Host keys, instead of ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. May be repeated.',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'SSH',
  }),
  'host-key': Flags.option({
    options: ['strict', 'accept-new'] as const,
    summary:
      'Whether the key of a host that is met for the first time is refused (strict, the default) or recorded. A changed ' +
      'key is never accepted.',
    helpGroup: 'SSH',
    exclusive: ['accept-new'],
  })(),
  'accept-new': Flags.boolean({
    summary: 'The same as --host-key accept-new.',
    helpGroup: 'SSH',
  }),
  'ssh-config': Flags.string({
    summary: "ssh's configuration, instead of ~/.ssh/config and /etc/ssh/ssh_config; none for none.",
    helpValue: 'FILE',
    helpGroup: 'SSH',
  }),
  'connect-timeout': Flags.integer({
    summary: 'Seconds to wait for a host to answer (15).',
    helpValue: 'SECONDS',
    min: 1,
    max: 600,
    helpGroup: 'SSH',
  }),
  'ask-password': Flags.boolean({
    summary: 'Ask for the password of the SSH user (or set AIRFERRY_SSH_PASSWORD).',
    helpGroup: 'SSH',
  }),
  'ask-passphrase': Flags.boolean({
    summary: 'Ask for the passphrase of the private key (or set AIRFERRY_SSH_PASSPHRASE).',
    helpGroup: 'SSH',
  }),
  'ask-sudo-password': Flags.boolean({
    char: 'K',
    summary: "Ask for sudo's password (or set AIRFERRY_SUDO_PASSWORD).",
    helpGroup: 'SSH',
  }),
  'no-sudo': Flags.boolean({
    summary: 'Do without sudo: the user is root, or the command needs no root.',
    helpGroup: 'SSH',
  }),
};

/** Which hosts, how to reach them, and how many at once. */
export const hostFlags = {
  host: Flags.string({
    char: 'H',
    summary:
      'A host, as user@address[:port]; with a fleet file, the name of one of its hosts. May be repeated.',
    helpValue: 'HOST',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'HOSTS',
  }),
  fleet: Flags.string({
    char: 'F',
    summary: 'The fleet file: hosts and how to reach them.',
    helpValue: 'FILE',
    helpGroup: 'HOSTS',
  }),
  limit: Flags.string({
    summary:
      'Some of the hosts: names, groups, roles, ranges and globs with commas between; ! takes away. May be repeated.',
    helpValue: 'web,!h1,node[01:05],~db*',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'HOSTS',
  }),
  timeout: Flags.integer({
    summary: 'Seconds that a step may take on a host; without it as long as it takes.',
    helpValue: 'SECONDS',
    min: 1,
    max: 604_800,
    helpGroup: 'HOSTS',
  }),
  reconnect: Flags.integer({
    summary:
      'Seconds that a host has to be back in when its connection is lost in the middle; 0 to give up at once.',
    helpValue: 'SECONDS',
    default: 60,
    min: 0,
    max: 86_400,
    helpGroup: 'HOSTS',
  }),
  parallel: Flags.integer({
    summary: 'Hosts at work at once.',
    helpValue: 'N',
    default: 10,
    min: 1,
    max: 500,
    helpGroup: 'HOSTS',
  }),
  ...sshFlags,
  ...yesFlag,
};

/** Of commands that read bundles: where the rest of one is. */
export const bundleSourceFlags = {
  base: Flags.string({
    summary: 'A bundle or layout with blobs that the bundle leaves out. May be repeated.',
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'BUNDLE',
  }),
  parts: Flags.string({
    summary: 'A folder in which more parts of the bundle are, as of another disk. May be repeated.',
    helpValue: 'DIR',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'BUNDLE',
  }),
};

/** The flags above as an action wants them. */
export function bundleFrom({ base, parts }: { base?: string[]; parts?: string[] }): {
  bases: string[] | undefined;
  parts: string[] | undefined;
} {
  return { bases: base, parts };
}

/** How bundles are cut into parts. */
export const partFlags = {
  'part-size': Flags.string({
    summary: 'Write parts of at most this size, as FILE.001 and so on: 4GB, 700MiB, or cd, dvd, fat32.',
    helpValue: 'SIZE',
    helpGroup: 'PARTS',
  }),
  parity: Flags.option({
    options: ['1'] as const,
    summary: 'Write one part more, from which any one lost part can be made anew.',
    helpValue: '1',
    helpGroup: 'PARTS',
  })({ dependsOn: ['part-size'] }),
};

/** Of commands about the fleet file itself. */
export const fleetFlags = {
  fleet: Flags.string({ char: 'F', summary: 'The fleet file.', helpValue: 'FILE', default: 'fleet.yaml' }),
};

/** A required argument. oclif would read a missing one from stdin, and so hang without a terminal. */
export function fileArgument(description: string) {
  return Args.string({ description, required: true, ignoreStdin: true });
}

export const sourceArgument = fileArgument(
  'A bundle, a `docker save` archive, an OCI archive, or the folder of an OCI layout.',
);

/** Where any transport will do. */
export const placeArgument = fileArgument(
  'A bundle, archive or layout; or a place as docker://HOST/NAME or docker-daemon:NAME.',
);
