/** The shape of `bundle.yaml`: what may be written. What it means is in `recipe.ts`. */
import type * as z from 'zod';
import { daemonShape, either, list, map, NAME, oneOf, record, text, yesOrNo } from './shapes.ts';

const path = text('the path of a file, relative to the recipe');

/** One value for the recipe's only platform, or one for each: `{ linux/amd64: …, linux/arm64: … }`. */
function perPlatform(words: string): z.ZodUnion<[z.ZodString, z.ZodRecord<z.ZodString, z.ZodString>]> {
  const one = text(words);
  return either(
    one,
    record(one, `${words}, for each platform`),
    `${words}, or a map of one for each platform`,
  );
}

const url = perPlatform('an https address').describe('Where to download it from. Needs sha256.').optional();
const sha256 = perPlatform('64 hexadecimal digits').describe('The digest of what url leads to.').optional();

const engine = map(
  {
    version: text('a version, e.g. 20.10.24').describe('The version of the engine.'),
    archive: perPlatform('the path of a static archive, e.g. ./docker-20.10.24.tgz')
      .describe('The static archive that Docker publishes, as a local file.')
      .optional(),
    url,
    sha256,
  },
  'a map, e.g. { version: 20.10.24 }',
).describe('The Docker engine. Without archive and url it comes from its publisher.');

const compose = map(
  {
    version: text('a version, e.g. 2.29.7').describe('The version of compose.'),
    file: perPlatform('the path of the docker-compose binary')
      .describe('The binary, as a local file.')
      .optional(),
    url,
    sha256,
  },
  'a map, e.g. { version: 2.29.7 }',
).describe('Docker Compose. Without file and url it comes from its publisher.');

const tool = map(
  {
    version: text('a version, e.g. 1.31.1')
      .describe('Its version; for rootless-extras that of the engine when left out.')
      .optional(),
    file: perPlatform('the path of what its publisher offers for download')
      .describe('What its publisher offers for download, as a local file.')
      .optional(),
    url,
    sha256,
  },
  'a map, e.g. { version: 1.31.1 }',
);

const tools = map(
  {
    'rootless-extras': tool.describe('What runs the engine without root.').optional(),
    buildx: tool.describe('docker buildx, a plugin of the docker CLI.').optional(),
    crictl: tool.describe('The command line of CRI runtimes.').optional(),
    registry: tool.describe('distribution, the registry, as a program.').optional(),
    nerdctl: tool.describe('The command line of containerd.').optional(),
  },
  'a map of tools, e.g. { crictl: { version: 1.31.1 } }',
).describe('Tools beside the engine. Without file and url they come from their publishers.');

const registry = map(
  {
    mirrors: list(
      text('a registry, e.g. mirror.company.com/hub'),
      'a list, e.g. [mirror.company.com/hub]',
      20,
    )
      .describe('Asked before it, in this order; a path is put before the names of images.')
      .optional(),
    'plain-http': yesOrNo().describe('It speaks HTTP, not HTTPS.').optional(),
    ca: text('the path of a CA certificate').describe('A CA certificate, in PEM format.').optional(),
  },
  'a map, e.g. { mirrors: [mirror.company.com/hub] }',
);

const units = map(
  {
    'docker.service': path.describe('In place of our docker.service.').optional(),
    'docker.socket': path.describe('In place of our docker.socket.').optional(),
    'containerd.service': path.describe('In place of our containerd.service.').optional(),
  },
  'a map of units to files, e.g. { docker.service: ./docker.service }',
).describe('Your own unit files in place of ours.');

const image = map(
  {
    name: text('the name of an image, e.g. nginx:1.25').describe('An image of a registry.').optional(),
    as: text('the name of an image').describe('The name that it gets in the bundle.').optional(),
    platforms: list(text('a platform, e.g. linux/amd64'), 'a list, e.g. [linux/amd64]', 10)
      .describe("Only these of its platforms, in place of the recipe's.")
      .optional(),
    archive: text('the path of a docker save or OCI archive')
      .describe('A docker save or OCI archive.')
      .optional(),
    only: list(text('the name of an image'), 'a list of image names, e.g. [mysql:8.0]')
      .describe('Only these images of the archive.')
      .optional(),
    base: list(text('the path of a bundle or layout'), 'a list of bundles or layouts', 64)
      .describe('Where blobs are that the archive, a bundle, leaves out.')
      .optional(),
    parts: list(text('the path of a folder'), 'a list of folders, e.g. [/media/second]', 100)
      .describe('Folders with more parts of the archive, a bundle in parts.')
      .optional(),
    oci: text('the path of an OCI layout').describe('An OCI layout, a folder.').optional(),
    ref: text('the name of an image in the layout').describe('Only this image of the layout.').optional(),
    compose: either(
      text('the path of a compose file'),
      list(text('the path of a compose file'), 'a list of compose files', 20),
      'the path of a compose file, or a list of those that belong together',
    )
      .describe('A compose file, or several that are laid over one another: every image in them.')
      .optional(),
    profiles: list(text('the name of a profile'), 'a list of profiles, e.g. [debug]', 100)
      .describe('Active profiles of the compose file; those of COMPOSE_PROFILES when left out.')
      .optional(),
    'env-file': text('the path of an env file')
      .describe('The variables of the compose file, in place of those of .env beside it.')
      .optional(),
    kubernetes: text('the path of a manifest, or of a folder of them')
      .describe('Kubernetes manifests: every image in them.')
      .optional(),
    list: text('the path of a list of images').describe('A list of images, one name a line.').optional(),
  },
  'a map with name, archive, oci, compose, kubernetes or list',
);

const file = map(
  {
    from: path.describe('The file to carry.').optional(),
    url: text('an https address').describe('Where to fetch it from, in place of from.').optional(),
    sha256: text('64 hexadecimal digits')
      .describe('The digest of what url leads to; the lock pins it when left out.')
      .optional(),
    to: text('an absolute path, e.g. /etc/motd').describe('Where it goes on the host.'),
    mode: text('octal digits in quotes, e.g. "0644"', /^0?[0-7]{3,4}$/)
      .describe('Its mode; "0644" when left out.')
      .optional(),
  },
  'a map, e.g. { from: ./motd, to: /etc/motd }',
);

const address = text('the beginning of an address');

export const recipeSchema = map(
  {
    extends: either(
      text('the path of a recipe'),
      list(text('the path of a recipe'), 'a list of recipes', 20),
      'the path of a recipe, or a list of them',
    )
      .describe(
        'Recipes that this one is laid over: maps are merged, lists replaced, images and files added.',
      )
      .optional(),
    variables: record(text('text, in quotes', /^[^\p{Cc}]*$/u), 'a map of names to values')
      .describe('What a variable stands for where neither --set nor the environment says it.')
      .optional(),
    name: text('letters, digits and . _ + -, e.g. plant-7', NAME).describe('The name of the bundle.'),
    version: text('letters, digits and . _ + -, e.g. "2026.11"', NAME).describe(
      'The version of the bundle, in quotes.',
    ),
    platforms: list(text('a platform, e.g. linux/amd64'), 'a list, e.g. [linux/amd64]', 10)
      .describe('The platforms of the hosts; linux/amd64 when left out.')
      .optional(),
    compression: oneOf(['gzip', 'zstd', 'none'])
      .describe('How layers are compressed; gzip when left out.')
      .optional(),
    engine: engine.optional(),
    compose: compose.optional(),
    tools: tools.optional(),
    mirrors: record(
      address,
      'a map of addresses, e.g. { https://github.com/: https://mirror.company.com/github/ }',
    )
      .describe("Where the publishers' files are fetched from instead.")
      .optional(),
    registries: record(registry, 'a map of registries, e.g. { docker.io: { mirrors: [mirror.company.com] } }')
      .describe('How the registries are reached that images come from.')
      .optional(),
    daemon: daemonShape.optional(),
    units: units.optional(),
    images: list(
      either(
        text('the name of an image'),
        image,
        'the name of an image, or a map with name, archive, oci, compose, kubernetes or list',
      ),
      'a list, e.g. [nginx:1.25, { archive: ./mysql.tar }]',
    )
      .describe('The images to carry.')
      .optional(),
    referrers: yesOrNo()
      .describe('Whether the signatures, SBOMs and attestations of images come along; yes when left out.')
      .optional(),
    files: list(file, 'a list, e.g. [{ from: ./motd, to: /etc/motd }]')
      .describe('Any other files.')
      .optional(),
  },
  'a map that begins with name and version',
).meta({ title: 'airferry recipe', description: 'What to pack into a bundle (bundle.yaml).' });

export type RecipeShape = z.output<typeof recipeSchema>;
