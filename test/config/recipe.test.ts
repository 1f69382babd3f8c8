import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadRecipe, parseRecipe } from '../../src/config/recipe.ts';
import { suite } from '../support/suite.ts';
import { refusal, refusedRecipe } from './refused.ts';

const test = suite('config/recipe');

const SUM = 'ab'.repeat(32);
const parse = (text: string) => parseRecipe(text, { file: '/site/bundle.yaml' });

const WHOLE = `name: plant-7
version: "2026.11"
platforms: [linux/amd64]
engine:
  version: 20.10.24
  archive: ./docker-20.10.24.tgz
compose: { version: 2.29.7 }       # or file:
daemon:
  template: production
  values: { insecure-registries: [hub.company.com] }
images:
  - nginx:1.25                     # fetched from its registry
  - archive: ./saved/mysql.tar     # docker save, or an OCI archive
  - oci: ./layouts/redis
  - compose: ./docker-compose.yml  # every image in it
files:
  - { from: ./motd, to: /etc/motd, mode: "0644" }
`;

test('a whole recipe becomes typed items, each with its place and absolute paths', () => {
  assert.equal(parse(WHOLE), {
    file: '/site/bundle.yaml',
    name: 'plant-7',
    version: '2026.11',
    platforms: ['linux/amd64'],
    compression: undefined,
    engine: {
      version: '20.10.24',
      sources: [
        {
          kind: 'file',
          platform: 'linux/amd64',
          path: '/site/docker-20.10.24.tgz',
          at: { line: 6, column: 12 },
        },
      ],
      at: { line: 4, column: 1 },
    },
    compose: {
      version: '2.29.7',
      sources: [{ kind: 'publisher', platform: 'linux/amd64', at: { line: 7, column: 21 } }],
      at: { line: 7, column: 1 },
    },
    daemon: {
      template: 'production',
      values: { 'insecure-registries': ['hub.company.com'] },
      keys: { 'insecure-registries': { line: 10, column: 13 } },
      at: { line: 8, column: 1 },
    },
    tools: [],
    mirrors: [],
    registries: [],
    referrers: true,
    units: [],
    images: [
      { kind: 'name', name: 'nginx:1.25', at: { line: 12, column: 5 } },
      { kind: 'archive', path: '/site/saved/mysql.tar', only: undefined, at: { line: 13, column: 5 } },
      { kind: 'oci', path: '/site/layouts/redis', ref: undefined, at: { line: 14, column: 5 } },
      {
        kind: 'compose',
        paths: ['/site/docker-compose.yml'],
        profiles: undefined,
        envFile: undefined,
        at: { line: 15, column: 5 },
      },
    ],
    files: [{ from: '/site/motd', to: '/etc/motd', mode: 0o644, at: { line: 17, column: 5 } }],
  });
});

test('compose files with profiles, Kubernetes manifests and lists are kept for when images are fetched', () => {
  const { images } = parse(
    'name: a\nversion: "1"\nimages:\n' +
      '  - { compose: [a.yml, b.yml], profiles: [debug], env-file: prod.env }\n' +
      '  - kubernetes: ./manifests\n  - list: ./images.txt\n',
  );
  assert.equal(images, [
    {
      kind: 'compose',
      paths: ['/site/a.yml', '/site/b.yml'],
      profiles: ['debug'],
      envFile: '/site/prod.env',
      at: { line: 4, column: 5 },
    },
    { kind: 'kubernetes', path: '/site/manifests', at: { line: 5, column: 5 } },
    { kind: 'list', path: '/site/images.txt', at: { line: 6, column: 5 } },
  ]);
});

test('what is left out gets its default', () => {
  const recipe = parse('name: a\nversion: "1"\nfiles: [{ from: /m, to: /etc/m }]\n');
  assert.equal(recipe.platforms, ['linux/amd64']);
  assert.is(recipe.files[0]?.mode, 0o644);
  assert.is(recipe.engine, undefined);
  assert.equal(recipe.images, []);
});

test('units, only, ref, compression and modes are read', () => {
  const recipe = parse(
    `name: a\nversion: "1"\ncompression: zstd\nengine: { version: 18.06.3-ce }\nunits: { docker.service: ./my.service }\n` +
      'images: [{ archive: a.tar, only: [x, y] }, { oci: b, ref: z }]\nfiles: [{ from: s, to: /opt/s, mode: "755" }]\n',
  );
  assert.is(recipe.compression, 'zstd');
  assert.equal(recipe.units, [
    { name: 'docker.service', path: '/site/my.service', at: { line: 5, column: 26 } },
  ]);
  assert.equal(recipe.images, [
    { kind: 'archive', path: '/site/a.tar', only: ['x', 'y'], at: { line: 6, column: 10 } },
    { kind: 'oci', path: '/site/b', ref: 'z', at: { line: 6, column: 44 } },
  ]);
  assert.is(recipe.files[0]?.mode, 0o755);
});

test('an engine has one source for each platform', () => {
  const { engine } = parse(
    `name: a\nversion: "1"\nplatforms: [linux/amd64, linux/arm64]\nengine:\n  version: 29.0.0-rc.1\n` +
      `  url:\n    linux/arm64: https://mirror.site/arm.tgz\n    linux/amd64: https://mirror.site/amd.tgz\n` +
      `  sha256:\n    linux/amd64: sha256:${SUM}\n    linux/arm64: ${SUM.toUpperCase()}\n`,
  );
  assert.equal(engine?.sources, [
    {
      kind: 'url',
      platform: 'linux/amd64',
      url: 'https://mirror.site/amd.tgz',
      digest: `sha256:${SUM}`,
      at: { line: 8, column: 18 },
    },
    {
      kind: 'url',
      platform: 'linux/arm64',
      url: 'https://mirror.site/arm.tgz',
      digest: `sha256:${SUM}`,
      at: { line: 7, column: 18 },
    },
  ]);
});

/** Each goes behind `name` and `version`, so its first line is line 3. */
const MISTAKES: [what: string, text: string, where: string, message: string, hint: string][] = [
  [
    'an unknown key',
    'imgaes: []',
    '3:1',
    '`imgaes` is not a key that airferry knows',
    'Did you mean `images`?',
  ],
  [
    'an unknown key far from all',
    'images: [{ zzzzzz: 1, oci: b }]',
    '3:12',
    '`images[0].zzzzzz` is not a key that airferry knows',
    'The keys known here: name, as, platforms, archive, only, base, parts, oci, ref, compose, profiles, env-file, kubernetes, list.',
  ],
  [
    'a mistyped required key',
    'files: [{ form: a, to: /b }]',
    '3:11',
    '`files[0].form` is not a key that airferry knows',
    'Did you mean `from`?',
  ],
  [
    'a missing key',
    'files: [{ from: a }]',
    '3:9',
    '`files[0].to` is missing: it must be an absolute path, e.g. /etc/motd',
    '',
  ],
  [
    'text for a list',
    'images: [a]\nplatforms: linux/amd64',
    '4:12',
    '`platforms` must be a list, e.g. [linux/amd64]',
    'Write `platforms: [linux/amd64]`.',
  ],
  [
    'a map for a list',
    'images:\n  archive: a',
    '4:3',
    '`images` must be a list, e.g. [nginx:1.25, { archive: ./mysql.tar }]',
    'Begin each of its items with `- `.',
  ],
  ['text for a map', 'engine: 20.10.24', '3:9', '`engine` must be a map, e.g. { version: 20.10.24 }', ''],
  [
    'nothing at all',
    'engine:\nimages: [a]',
    '3:1',
    '`engine` is empty: it must be a map, e.g. { version: 20.10.24 }',
    'Give it a value, or take the line out.',
  ],
  [
    'a version of two numbers without quotes',
    'engine: { version: 20.10 }',
    '3:20',
    '`engine.version` must be a version, e.g. 20.10.24',
    'Write it in quotes, `version: "20.10"`: without them YAML reads 20.10 as the number 20.1.',
  ],
  [
    'a version of two numbers',
    'engine: { version: "20.10" }',
    '3:20',
    '`engine.version` must be three numbers, e.g. 20.10.24, not 20.10',
    '',
  ],
  [
    'a version with a v',
    'compose: { version: v2.29.7 }',
    '3:21',
    '`compose.version` must be three numbers, e.g. 20.10.24, not v2.29.7',
    'Write `version: 2.29.7`.',
  ],
  [
    'an archive name for a version',
    'engine: { version: docker-20.10.24.tgz }',
    '3:20',
    '`engine.version` must be three numbers, e.g. 20.10.24, not docker-20.10.24.tgz',
    'Write `version: 20.10.24`.',
  ],
  [
    'a number in the image list',
    'images: [1.25]',
    '3:10',
    '`images[0]` must be the name of an image, or a map with name, archive, oci, compose, kubernetes or list',
    'Write it in quotes, `- "1.25"`: without them YAML reads 1.25 as the number 1.25.',
  ],
  [
    'a wrong type inside a union',
    'images: [{ archive: 5 }]',
    '3:21',
    '`images[0].archive` must be the path of a docker save or OCI archive',
    'Write it in quotes, `archive: "5"`: without them YAML reads 5 as the number 5.',
  ],
  [
    'a file in place of an image name',
    'images: [./my.tar]',
    '3:10',
    '`images[0]` looks like a file, but stands where the name of an image belongs',
    'Write `- archive: ./my.tar` for an archive, `- oci: ./my.tar` for an OCI layout.',
  ],
  [
    'an image that says nothing',
    'images: [{}]',
    '3:10',
    '`images[0]` must have one of name, archive, oci, compose, kubernetes or list',
    '',
  ],
  [
    'an image that says two things',
    'images: [{ archive: a, oci: b }]',
    '3:10',
    '`images[0]` has archive and oci, which exclude each other',
    'Make an entry of its own for each.',
  ],
  [
    'only beside oci',
    'images: [{ oci: a, only: [b] }]',
    '3:20',
    '`images[0].only` belongs to an `archive`',
    'For an OCI layout, use `ref`.',
  ],
  [
    'only with nothing in it',
    'images: [{ archive: a, only: [] }]',
    '3:30',
    '`images[0].only` is empty: no image would be packed',
    '',
  ],
  [
    'ref beside archive',
    'images: [{ archive: a, ref: b }]',
    '3:24',
    '`images[0].ref` belongs to an `oci` layout',
    'For an archive, use `only: [name]`.',
  ],
  [
    'a mode without quotes',
    'files: [{ from: a, to: /b, mode: 0644 }]',
    '3:34',
    '`files[0].mode` must be octal digits in quotes, e.g. "0644"',
    'Write it in quotes, `mode: "0644"`: without them YAML reads 0644 as the number 644.',
  ],
  [
    'a mode that is no mode',
    'files: [{ from: a, to: /b, mode: no }]',
    '3:34',
    '`files[0].mode` must be octal digits in quotes, e.g. "0644"',
    '',
  ],
  [
    'a setuid mode',
    'files: [{ from: a, to: /b, mode: "4755" }]',
    '3:34',
    '`files[0].mode` sets setuid, setgid or the sticky bit, which airferry does not put on files',
    'Write `mode: "0755"`.',
  ],
  [
    'a relative destination',
    'files: [{ from: a, to: etc/motd }]',
    '3:24',
    '`files[0].to` must be an absolute path, e.g. /etc/motd',
    '',
  ],
  [
    'a destination with ..',
    'files: [{ from: a, to: /opt/../etc/motd }]',
    '3:24',
    '`files[0].to` must not contain `..`',
    'Write the path that is meant, /etc/motd.',
  ],
  [
    'a destination with //',
    'files: [{ from: a, to: /etc//./motd }]',
    '3:24',
    '`files[0].to` must be written without `//` and `.`',
    'Write `to: /etc/motd`.',
  ],
  [
    'a folder as destination',
    'files: [{ from: a, to: /etc/ }]',
    '3:24',
    '`files[0].to` must name the file itself, not the folder it goes to',
    '',
  ],
  [
    'a destination under /proc',
    'files: [{ from: a, to: /proc/sys/net/ipv4/ip_forward }]',
    '3:24',
    '`files[0].to` must not be under /proc: nothing there is a file that stays',
    '',
  ],
  [
    '/dev itself',
    'files: [{ from: a, to: /dev }]',
    '3:24',
    '`files[0].to` must not be under /dev: nothing there is a file that stays',
    '',
  ],
  [
    'a destination that airferry writes itself',
    'files: [{ from: a, to: /etc/docker/daemon.json }]',
    '3:24',
    "`files[0].to` must not be /etc/docker/daemon.json: airferry writes this itself: use `daemon:` / `units:` / the fleet's `registry`",
    '',
  ],
  [
    'two files for one destination',
    'files:\n  - { from: a, to: /b }\n  - { from: c, to: /b }',
    '5:20',
    '/b is written twice; the first is on line 4',
    '',
  ],
  [
    'a platform by another name',
    'images: [a]\nplatforms: [linux/x86_64]',
    '4:13',
    'linux/x86_64 is not a platform that Docker engines exist for',
    'Did you mean linux/amd64?',
  ],
  [
    'a platform without linux',
    'images: [a]\nplatforms: [arm64]',
    '4:13',
    'arm64 is not a platform that Docker engines exist for',
    'Did you mean linux/arm64?',
  ],
  [
    'a platform of nowhere',
    'images: [a]\nplatforms: [windows/amd64x]',
    '4:13',
    'windows/amd64x is not a platform that Docker engines exist for',
    'The platforms known: linux/amd64, linux/arm64, linux/arm/v7, linux/arm/v6, linux/ppc64le, linux/s390x.',
  ],
  [
    'a platform named twice',
    'images: [a]\nplatforms: [linux/amd64, linux/amd64]',
    '4:26',
    'the platform linux/amd64 is named twice',
    '',
  ],
  [
    'no platform',
    'images: [a]\nplatforms: []',
    '4:12',
    '`platforms` must name at least one platform',
    'Write `platforms: [linux/amd64]`.',
  ],
  [
    'archive and url',
    `engine: { version: 20.10.24, archive: a, url: "https://x/y", sha256: ${SUM} }`,
    '3:42',
    '`engine.archive` and `engine.url` exclude each other',
    'Keep the one that is meant.',
  ],
  [
    'a url without sha256',
    'engine: { version: 20.10.24, url: "https://x/y" }',
    '3:30',
    '`engine.url` needs a `sha256` beside it',
    'Add the digest that the publisher names, or that `sha256sum` prints for a copy you trust.',
  ],
  [
    'a sha256 without url',
    `engine: { version: 20.10.24, archive: a, sha256: ${SUM} }`,
    '3:42',
    '`engine.sha256` belongs to a `url`, and there is none',
    'Take it out: the lock pins the digests of everything else.',
  ],
  [
    'a sha256 cut short',
    'engine: { version: 20.10.24, url: "https://x/y", sha256: abc }',
    '3:58',
    '`engine.sha256` must be 64 hexadecimal digits, as `sha256sum` prints them; there are 3 characters',
    '',
  ],
  [
    'a url in plain HTTP',
    `engine: { version: 20.10.24, url: "http://x/y", sha256: ${SUM} }`,
    '3:35',
    '`engine.url` must begin with https://: over http:// anyone on the way could see and change what is fetched',
    'If there is no https, download it by hand, check it, and name the file instead.',
  ],
  [
    'a url with a password',
    `engine: { version: 20.10.24, url: "https://u:p@x/y", sha256: ${SUM} }`,
    '3:35',
    '`engine.url` must not hold a user name or password: they would end up in the lock',
    'Download it by hand and name the file instead.',
  ],
  [
    'a url that is none',
    `engine: { version: 20.10.24, url: mirror/docker.tgz, sha256: ${SUM} }`,
    '3:35',
    '`engine.url` must be a whole address, e.g. https://example.com/docker.tgz',
    '',
  ],
  [
    'one archive for two platforms',
    'platforms: [linux/amd64, linux/arm64]\nengine: { version: 20.10.24, archive: a }',
    '4:39',
    '`engine.archive` names one thing for 2 platforms',
    'Name one for each: `{ linux/amd64: …, linux/arm64: … }`.',
  ],
  [
    'an archive for a platform not asked for',
    'engine: { version: 20.10.24, archive: { linux/amd64: a, linux/arm64: b } }',
    '3:57',
    "`engine.archive` names linux/arm64, which is not among the recipe's platforms",
    'Its platforms are linux/amd64.',
  ],
  [
    'a platform without an archive',
    'platforms: [linux/amd64, linux/arm64]\nengine: { version: 20.10.24, archive: { linux/amd64: a } }',
    '4:30',
    '`engine.archive` names nothing for linux/arm64',
    '',
  ],
  [
    'a daemon.json without an engine',
    'images: [a]\ndaemon: { template: default }',
    '4:1',
    "`daemon` needs `engine`: what it may say depends on the engine's version",
    '',
  ],
  [
    'units without an engine',
    'images: [a]\nunits: { docker.service: ./d }',
    '4:1',
    "`units` needs `engine`: what it may say depends on the engine's version",
    '',
  ],
  [
    'an unknown unit',
    'engine: { version: 20.10.24 }\nunits: { docker.servce: ./d }',
    '4:10',
    '`units.docker.servce` is not a key that airferry knows',
    'Did you mean `docker.service`?',
  ],
  [
    'a path for a template',
    'engine: { version: 20.10.24 }\ndaemon: { template: ./daemon.json }',
    '4:21',
    '`daemon.template` must be the name of a template, e.g. production',
    '',
  ],
  [
    'an unknown compression',
    'images: [a]\ncompression: xz',
    '4:14',
    '`compression` must be one of gzip, zstd, none',
    '',
  ],
  [
    'profiles beside a list',
    'images: [{ list: a, profiles: [b] }]',
    '3:21',
    '`images[0].profiles` belongs to a `compose` file',
    '',
  ],
  [
    'compose files that are none',
    'images: [{ compose: [] }]',
    '3:21',
    '`images[0].compose` is empty: it must name a file',
    '',
  ],
  ['an empty text', 'images: [" "]', '3:10', '`images[0]` must be the name of an image', ''],
  [
    'a recipe that packs nothing',
    '',
    '1:1',
    'the recipe packs nothing',
    'Add at least one of engine, compose, tools, images or files.',
  ],
];

for (const [what, text, where, message, hint] of MISTAKES) {
  test(`${what} is refused at its place, with what to do`, async () => {
    assert.equal(await refusedRecipe(text, true), {
      code: 'RECIPE_INVALID',
      where: `bundle.yaml:${where}`,
      message,
      hint,
    });
  });
}

test('a version without quotes is shown as YAML takes it', async () => {
  assert.equal(await refusedRecipe('name: a\nversion: 2026.10\nimages: [a]\n'), {
    code: 'RECIPE_INVALID',
    where: 'bundle.yaml:2:10',
    message: '`version` must be letters, digits and . _ + -, e.g. "2026.11"',
    hint: 'Write it in quotes, `version: "2026.10"`: without them YAML reads 2026.10 as the number 2026.1.',
  });
});

test('a name that YAML takes for true is to be quoted', async () => {
  const { where, hint } = await refusedRecipe('name: true\nversion: "1"\nimages: [a]\n');
  assert.is(where, 'bundle.yaml:1:7');
  assert.is(hint, 'Write it in quotes, `name: "true"`: without them YAML does not read true as text.');
});

test('an empty file, and one that is no map', async () => {
  const begins = 'a map that begins with name and version';
  assert.is((await refusedRecipe('')).message, `the file is empty: it must be ${begins}`);
  assert.is((await refusedRecipe('- a\n')).message, `the file must be ${begins}`);
});

test('all that is wrong is told at once, in the order of the file', async () => {
  const { where, message } = await refusedRecipe(
    'files: [{ from: a, to: b, mode: "7777" }]\nimages: [{}]\nunits: {}\n',
    true,
  );
  assert.is(where, 'bundle.yaml:3:24');
  assert.equal(
    message.split('\n').map(line => line.trim().slice(0, 40)),
    [
      '`files[0].to` must be an absolute path, ',
      'bundle.yaml:3:33: `files[0].mode` sets s',
      'bundle.yaml:4:10: `images[0]` must have ',
      'bundle.yaml:5:1: `units` needs `engine`:',
    ],
  );
});

test('a recipe is loaded from its file, and its paths from its folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'airferry-recipe-'));
  const load = (name: string, content: string | Buffer) =>
    writeFile(join(folder, name), content).then(() => loadRecipe(join(folder, name)));
  try {
    const recipe = await load('bundle.yaml', `\ufeff${WHOLE}`);
    assert.equal(recipe.images[2], {
      kind: 'oci',
      path: join(folder, 'layouts/redis'),
      ref: undefined,
      at: { line: 14, column: 5 },
    });

    const missing = await refusal(() => loadRecipe(join(folder, 'bundel.yaml')));
    assert.is(missing.code, 'FILE_NOT_FOUND');
    assert.is(
      missing.hint,
      'Did you mean bundle.yaml? The folder bundles of airferry has recipes to begin with.',
    );

    const directory = await refusal(() => loadRecipe(folder));
    assert.is(directory.code, 'FILE_UNREADABLE');
    assert.match(directory.message, 'it is a folder');

    const latin = await refusal(() =>
      load('latin.yaml', Buffer.from('name: a\nversion: "\xe9"\n', 'latin1')),
    );
    assert.is(latin.code, 'RECIPE_INVALID');
    assert.match(latin.where, /latin\.yaml:2:1$/);
    assert.is(latin.hint, 'Save the file as UTF-8.');

    const wide = await refusal(() => load('wide.yaml', Buffer.from('\ufeffname: a\n', 'utf16le')));
    assert.is(wide.hint, 'The file is in UTF-16: save it as UTF-8.');

    const large = await refusal(() => load('large.yaml', Buffer.alloc((1 << 20) + 1, '#')));
    assert.is(large.message, 'the file is larger than 1 MiB');

    const endless = await refusal(() => loadRecipe('/dev/zero'));
    assert.is(endless.message, 'the file is larger than 1 MiB');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
