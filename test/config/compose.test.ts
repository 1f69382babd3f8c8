// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of compose files look like that.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import * as assert from 'uvu/assert';
import { type ComposeOptions, imagesOfCompose } from '../../src/config/compose.ts';
import { familiarName } from '../../src/content/reference.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './refused.ts';

const test = suite('config/compose');

/** A project in a folder of its own. */
function project(files: Record<string, string>): string {
  const folder = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function read(folder: string, names: string[] = [], options: ComposeOptions = {}) {
  const path = names.length === 0 ? folder : names.map(name => join(folder, name));
  const { images, warnings, files } = await imagesOfCompose(path, { env: {}, ...options });
  return {
    images: images.map(
      ({ service, reference, where }) =>
        `${service} ${familiarName(reference)} ${relative(folder, where.file ?? '')}:${where.line}:${where.column}`,
    ),
    raw: images,
    warnings,
    files: files.map(file => relative(folder, file)),
  };
}

/** `service image` of each, for the tests that are not about places. */
async function names(text: string, options: ComposeOptions & { files?: Record<string, string> } = {}) {
  const folder = project({ 'compose.yaml': text, ...options.files });
  return (await read(folder, [], options)).images.map(image => image.replace(/ \S+$/, ''));
}

async function refused(text: string, files: Record<string, string> = {}) {
  const folder = project({ 'compose.yaml': text, ...files });
  const { where, ...rest } = await refusal(() => imagesOfCompose(folder, { env: {} }));
  return { ...rest, where: where.replace(`${folder}/`, '') };
}

test('the images of services are found with their places', async () => {
  const folder = project({
    'docker-compose.yml':
      'version: "2.4"\nservices:\n  web:\n    image: nginx:1.25\n  db: { image: "mysql:8" }\n',
  });
  assert.equal((await read(folder)).images, [
    'web nginx:1.25 docker-compose.yml:4:12',
    'db mysql:8 docker-compose.yml:5:16',
  ]);
});

test('variables come from the environment, then from .env beside the file, then from defaults', async () => {
  const text =
    'services:\n  a: { image: "${REG:-hub}/a:${TAG}" }\n  b: { image: "b:${TAG:?no tag}-${X-x}" }\n';
  const files = { '.env': 'TAG=file\n', 'prod.env': 'TAG=prod\nX=y\n' };
  assert.equal(await names(text, { files }), ['a hub/a:file', 'b b:file-x']);
  assert.equal(await names(text, { files, env: { TAG: 'env', REG: 'r.example' } }), [
    'a r.example/a:env',
    'b b:env-x',
  ]);
  const folder = project({ 'compose.yaml': text, ...files });
  const { images } = await read(folder, [], { envFiles: [join(folder, 'prod.env')] });
  assert.match(images.join(' '), /hub\/a:prod .* b:prod-y/);
});

test('services with profiles count when one of theirs is active', async () => {
  const text =
    'services:\n  a: { image: a }\n  b: { image: b, profiles: [p] }\n  c: { image: c, profiles: [q, r] }\n  d: { image: d, profiles: [] }\n';
  assert.equal(await names(text), ['a a:latest', 'd d:latest']);
  assert.equal(await names(text, { profiles: ['r'] }), ['a a:latest', 'c c:latest', 'd d:latest']);
  assert.is((await names(text, { profiles: ['*'] })).length, 4);
  assert.is((await names(text, { env: { COMPOSE_PROFILES: 'p, q' } })).length, 4);
  assert.is((await names(text, { files: { '.env': 'COMPOSE_PROFILES=p' } })).length, 3);
  assert.equal(
    await names(text, { env: { COMPOSE_PROFILES: 'p' }, profiles: ['r'] }),
    ['a a:latest', 'c c:latest', 'd d:latest'],
    'those given take the place of those of the environment',
  );
});

test('what an active service depends on is taken along, and said; a profile that nobody has is said too', async () => {
  const folder = project({
    'compose.yaml':
      'services:\n  a: { image: a, depends_on: [b] }\n  b: { image: b, profiles: [debug], depends_on: { c: { condition: service_started, required: false } } }\n  c: { image: c, profiles: [debug] }\n',
  });
  const { images, warnings } = await read(folder, [], { profiles: ['debgu'] });
  assert.is(images.length, 2);
  assert.equal(warnings, [
    'No service has the profile debgu. Did you mean debug?',
    'The service b is in no active profile, but a depends on it: its image is taken along.',
  ]);
});

test('services are extended, in the file and out of others, profiles and all', async () => {
  const text =
    'services:\n  a: { extends: base, image: own }\n  base: { image: "base:${T}" }\n' +
    '  b: { extends: { file: sub/other.yml, service: s } }\n  c: { extends: { file: sub/other.yml, service: t } }\n' +
    '  d: { extends: c }\n';
  const files = {
    'sub/other.yml':
      'services:\n  s: { image: "s:1", profiles: [z] }\n  t: { build: ., extends: u }\n  u: { image: "u:${ONLY:-main}" }\n',
    'sub/.env': 'ONLY=sub\n',
    '.env': 'T=dot\n',
  };
  assert.equal(await names(text, { files }), ['a own:latest', 'base base:dot', 'c u:main', 'd u:main']);
  assert.match((await names(text, { files, profiles: ['z'] })).join(), 'b s:1');
});

test('files are included, each with its own .env below the variables of the one that includes it', async () => {
  const text =
    'include:\n  - sub/compose.yaml\n  - { path: [x/a.yml, x/b.yml], env_file: x.env, project_directory: . }\nservices:\n  a: { image: "a:${T}" }\n';
  const files = {
    'sub/compose.yaml': 'services:\n  s: { image: "s:${T}-${S}" }\n',
    'sub/.env': 'T=sub\nS=s\n',
    'x/a.yml': 'services:\n  x: { image: x1 }\n',
    'x/b.yml': 'services:\n  x: { image: "x2:${V}" }\n',
    'x.env': 'V=v\n',
    '.env': 'T=main\n',
  };
  assert.equal(await names(text, { files }), ['s s:main-s', 'x x2:v', 'a a:main']);
});

test('merge keys bring in what a service does not say itself', async () => {
  const text =
    'x-a: &a { image: "a:1", profiles: [p] }\nx-b: &b { image: "b:1", platform: linux/arm64 }\nservices:\n' +
    '  one: { <<: *a, profiles: [] }\n  two:\n    image: own:2\n    <<: [*b, *a]\n  three: { <<: [*b, *a] }\n';
  const folder = project({ 'compose.yaml': text });
  const { images, raw } = await read(folder, [], { profiles: ['p'] });
  assert.equal(images, [
    'one a:1 compose.yaml:1:18',
    'two own:2 compose.yaml:6:12',
    'three b:1 compose.yaml:2:18',
  ]);
  assert.equal(
    raw.map(({ platform }) => platform),
    [undefined, 'linux/arm64', 'linux/arm64'],
  );
});

test('an override file is read with the file of a folder, and not with a file that is named', async () => {
  const folder = project({
    'docker-compose.yml': 'services:\n  a: { image: one }\n  b: { image: two }\n',
    'docker-compose.override.yml': 'services:\n  a: { image: three }\n',
    'prod.yml': 'services:\n  b: { image: four }\n  c: { image: five }\n',
  });
  const images = async (...names: string[]) =>
    (await read(folder, names)).images.map(image => image.split(' ')[1]);
  assert.equal(await images(), ['three:latest', 'two:latest']);
  assert.equal(await images('docker-compose.yml'), ['one:latest', 'two:latest']);
  assert.equal(await images('docker-compose.yml', 'prod.yml'), ['one:latest', 'four:latest', 'five:latest']);
  writeFileSync(join(folder, '.env'), 'COMPOSE_FILE=docker-compose.yml:prod.yml\n');
  assert.equal(
    await images(),
    ['one:latest', 'four:latest', 'five:latest'],
    'COMPOSE_FILE counts in a folder',
  );
});

test('later files take away with !reset, and take the place of all with !override', async () => {
  const folder = project({
    '1.yml':
      'services:\n  a: { image: a1, profiles: [x] }\n  b: { image: b1 }\n  c: { image: c1, build: . }\n',
    '2.yml': 'services:\n  a: !override { image: a2 }\n  b: !reset null\n  c: { image: !reset null }\n',
  });
  const { images, warnings } = await read(folder, ['1.yml', '2.yml']);
  assert.equal(images, ['a a2:latest 2.yml:2:25']);
  assert.match(warnings.join(), 'The service c is built where its files are, and names no image');
});

test('files of docker-compose 1 have their services at the top', async () => {
  assert.equal(await names('web:\n  image: nginx\n  links: [db]\ndb: { image: "mysql:${V:-5}" }\n'), [
    'web nginx:latest',
    'db mysql:5',
  ]);
});

test('documents of one file are laid over one another', async () => {
  assert.equal(
    await names(
      'services:\n  a: { image: one }\n---\nservices:\n  b: { image: two }\n  a: { image: three }\n',
    ),
    ['a three:latest', 'b two:latest'],
  );
});

test('platform, pull_policy and images that are mounted are kept; a service that can be built is marked', async () => {
  const folder = project({
    'compose.yaml':
      'services:\n  a:\n    image: a:1\n    platform: linux/arm64/v8\n    pull_policy: never\n    build: .\n    volumes:\n      - ./x:/x\n      - { type: image, source: "data:2", target: /d }\n',
  });
  const { raw, warnings } = await read(folder);
  assert.equal(
    raw.map(({ reference, where, ...rest }) => ({
      name: familiarName(reference),
      line: where.line,
      ...rest,
    })),
    [
      { name: 'a:1', line: 3, service: 'a', platform: 'linux/arm64', pullPolicy: 'never', built: true },
      { name: 'data:2', line: 9, service: 'a', platform: 'linux/arm64', built: false },
    ],
  );
  assert.equal(warnings, []);
});

test('a variable that is not set is said with what became of the name', async () => {
  const folder = project({ 'compose.yaml': 'services:\n  a: { image: "${REG}nginx" }\n' });
  const { images, warnings } = await read(folder);
  assert.equal(images, ['a nginx:latest compose.yaml:2:15']);
  assert.equal(warnings, ['The variable REG is not set: the image of a is nginx.']);
});

const BAD: [
  what: string,
  text: string,
  where: string,
  message: string | RegExp,
  hint: string | RegExp,
  files?: Record<string, string>,
][] = [
  [
    'a name that needs a variable',
    'services:\n  a: { image: "nginx:${TAG}" }\n',
    'compose.yaml:2:15',
    /"nginx:" is not an image name.*, since TAG is not set$/,
    /^Set TAG in the environment/,
  ],
  [
    'a variable that must be set',
    'services:\n  a: { image: "nginx:${TAG:?say which}" }\n',
    'compose.yaml:2:15',
    '`services.a.image` needs the variable TAG, which is not set: say which',
    /\.env/,
  ],
  [
    'an empty image',
    'services:\n  a: { image: "${IMG}" }\n',
    'compose.yaml:2:15',
    'the image of a is empty, since IMG is not set',
    /Set IMG/,
  ],
  [
    'a number',
    'services:\n  a: { image: 1.25 }\n',
    'compose.yaml:2:15',
    '`services.a.image` must be text',
    'Write it in quotes: "1.25".',
  ],
  [
    'an upper-case name',
    'services:\n  a: { image: Nginx }\n',
    'compose.yaml:2:15',
    /lower case/,
    'Write nginx.',
  ],
  ['a service of nothing', 'services:\n  a:\n', 'compose.yaml:2:3', /`services\.a` must be a map/, ''],
  [
    'neither image nor build',
    'services:\n  a: { ports: [80] }\n',
    'compose.yaml:2:3',
    'the service a has neither image nor build',
    /--compose docker-compose.yml:/,
  ],
  [
    'a circle of extends',
    'services:\n  a: { extends: b }\n  b: { extends: { service: a } }\n',
    'compose.yaml:2:17',
    '`services.a.extends` goes in a circle: a → b → a',
    '',
  ],
  [
    'a service that is not there to extend',
    'services:\n  a: { extends: bse }\n  base: { image: x }\n',
    'compose.yaml:2:17',
    '`services.a.extends` names the service bse, which the file does not have',
    'Did you mean base?',
  ],
  [
    'a circle of includes',
    'include: [compose.yaml]\n',
    'compose.yaml:1:10',
    '`include` is nested too deeply, or goes in a circle',
    '',
  ],
  [
    'something from afar',
    'include: ["oci://docker.io/x"]\n',
    'compose.yaml:1:11',
    /is not on this disk/,
    /docker compose config > resolved.yml/,
  ],
  [
    'a slip in services',
    'sevices:\n  a: {}\n',
    'compose.yaml:1:1',
    /has no `services`/,
    'Did you mean `services`?',
  ],
  [
    'a Kubernetes manifest',
    'apiVersion: v1\nkind: Pod\n',
    'compose.yaml:1:1',
    /has no `services`/,
    /--kubernetes/,
  ],
  ['a list', '- a\n', 'compose.yaml:1:1', /must be a map with `services`/, ''],
  [
    'a mistake in an included file',
    'include: [sub/a.yml]\n',
    'sub/a.yml:2:6',
    /must be a map/,
    '',
    { 'sub/a.yml': 'services:\n  b: 5\n' },
  ],
  [
    'a platform of another tool',
    'services:\n  a: { image: a, platform: linux/x86_64 }\n',
    'compose.yaml:2:28',
    /not a platform/,
    'Did you mean linux/amd64?',
  ],
];

for (const [what, text, where, message, hint, files] of BAD) {
  test(`${what} is refused at its place`, async () => {
    const found = await refused(text, files);
    assert.is(found.code, 'COMPOSE_FILE_INVALID');
    assert.is(found.where, where);
    assert.match(found.message, message);
    assert.match(found.hint, hint);
  });
}

test('a folder without a compose file says what it looks for', async () => {
  const found = await refusal(() => imagesOfCompose(project({ 'x.yml': '' }), {}));
  assert.is(found.code, 'FILE_NOT_FOUND');
  assert.match(found.hint, 'compose.yaml');
});

test('an included file that is not there is named', async () => {
  const found = await refused('include: [sub/composed.yaml]\n', { 'sub/compose.yaml': 'services: {}\n' });
  assert.is(found.code, 'FILE_NOT_FOUND');
  assert.match(found.hint, 'Did you mean compose.yaml?');
});

test('a file that includes many that include many stops at a limit', async () => {
  const wide = `include: [${'b.yml,'.repeat(30)}]\n`;
  const found = await refused(wide, {
    'b.yml': `include: [${'c.yml,'.repeat(30)}]\n`,
    'c.yml': 'services: {}\n',
  });
  assert.match(found.message, 'the project names more than 500 files');
});

test.run();
