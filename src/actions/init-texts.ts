/** The texts that `init` writes: YAML with comments that say what else there is. Pure. */
import { parse, stringify } from 'yaml';
import { parseAddress, SSH_PORT } from '../host/address.ts';

export interface RecipeWish {
  name: string;
  version: string;
  platforms: readonly string[];
  /** A version; absent for a bundle without an engine. */
  engine?: string;
  composeVersion?: string;
  /** A template for daemon.json. */
  template?: string;
  /** The site's registry: `hub.company.com` */
  registry?: string;
  /** It speaks plain HTTP. */
  insecureRegistry?: boolean;
  images: readonly string[];
  /** Paths as they are to stand in the recipe. */
  compose: readonly string[];
  kubernetes: readonly string[];
}

export interface FleetWish {
  /** `user@address[:port]` */
  hosts: readonly string[];
  registry?: string;
  registryIp?: string;
  insecureRegistry?: boolean;
}

/** A recipe. It parses if the wish makes sense. */
export function recipeText(wish: RecipeWish): string {
  const { engine, composeVersion, template = 'default', registry, insecureRegistry } = wish;
  const images = [
    ...wish.images.map(value),
    ...wish.compose.map(path => `compose: ${value(path)} # every image in it`),
    ...wish.kubernetes.map(path => `kubernetes: ${value(path)} # every image in it`),
  ];
  return `${[
    '# What to pack: airferry bundle create -f bundle.yaml -o site.tar',
    `name: ${value(wish.name)}`,
    `version: ${quoted(wish.version)}`,
    `platforms: [${wish.platforms.map(value).join(', ')}] # linux/amd64, linux/arm64 ...: what the hosts are`,
    ...(engine === undefined
      ? ['# engine: { version: 28.5.2 } # fetched from Docker']
      : [
          'engine:',
          `  version: ${value(engine)} # fetched from Docker; \`archive: ./file.tgz\` takes a file instead`,
        ]),
    ...(composeVersion === undefined
      ? []
      : [
          'compose:',
          `  version: ${value(composeVersion)} # \`file: ./docker-compose\` takes a file instead`,
        ]),
    ...(engine === undefined
      ? []
      : [
          'daemon:',
          `  template: ${value(template)} # default, production, registry-mirror, kubernetes-cgroups ...`,
          ...(registry === undefined || !insecureRegistry
            ? ['  # values: { bip: 172.7.5.1/24 } # keys of daemon.json over the template']
            : ['  values:', `    insecure-registries: [${value(registry)}]`]),
        ]),
    ...(images.length === 0
      ? ['# images:', '#   - nginx:1.25', '#   - compose: ./docker-compose.yml', '#   - archive: ./saved.tar']
      : [
          'images: # also archive, oci, compose, kubernetes and list',
          ...images.map(image => `  - ${image}`),
        ]),
    '# files:',
    '#   - { from: ./motd, to: /etc/motd, mode: "0644" }',
  ].join('\n')}\n`;
}

/** A fleet file; `hosts` are addresses. */
export function fleetText({ hosts, registry, registryIp, insecureRegistry }: FleetWish): string {
  return `${[
    '# The hosts behind the air gap: airferry host install site.tar -F fleet.yaml',
    'defaults:',
    '  sudo: true # false where the user is root',
    '  # identity: ~/.ssh/id_ed25519',
    '  # bastion: ops@gate',
    ...(registry === undefined
      ? ['# registry: { address: hub.company.com, ip: 172.11.1.107, ca: ./ca.crt }']
      : [
          'registry:',
          `  address: ${value(registry)}`,
          ...(registryIp === undefined ? [] : [`  ip: ${value(registryIp)} # a line in /etc/hosts`]),
          insecureRegistry ? '  insecure: true # plain HTTP' : '  # ca: ./ca.crt',
        ]),
    'hosts:',
    ...hosts.map(hostLine),
    '  # - { name: "node[01:40]", address: "node[01:40].site", groups: [workers] }',
  ].join('\n')}\n`;
}

function hostLine(text: string): string {
  const { user, address, port } = parseAddress(text);
  const parts = [
    `name: ${value(address.replaceAll(/[^A-Za-z0-9._-]/g, '-'))}`,
    `address: ${value(address)}`,
    ...(port === SSH_PORT ? [] : [`port: ${port}`]),
    ...(user === undefined ? [] : [`user: ${value(user)}`]),
  ];
  return `  - { ${parts.join(', ')} }`;
}

/** Text as a value in YAML, also within [ ] and { }; a dollar sign begins no variable. */
function value(text: string): string {
  const plain = /^[A-Za-z0-9./][A-Za-z0-9./@_+-]*(?::[A-Za-z0-9./@_+-]+)*$/.test(text);
  return plain && typeof parse(text) === 'string' ? text : quoted(text);
}

function quoted(text: string): string {
  const escaped = text.replaceAll('$', '$$$$');
  return stringify(escaped, { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 0 }).trimEnd();
}
