// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of compose files look like that.
/** The images of compose projects, as we find them and as the real docker compose does. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { imagesOfCompose } from '../../src/config/compose.ts';
import { formatReference, parseReference } from '../../src/content/reference.ts';
import { isAirferryError } from '../../src/errors.ts';
import { enginePackages } from '../lab/engines.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('images of compose projects', { timeout: 300_000 });
const compose = join(await enginePackages('26.1.5'), 'tree/usr/libexec/docker/cli-plugins/docker-compose');

interface Project {
  files: Record<string, string>;
  /** Files for `-f`; none for what is in the folder. */
  named?: string[];
  env?: Record<string, string>;
  profiles?: string[];
  envFiles?: string[];
}

function layOut(files: Record<string, string>): string {
  const folder = scratch();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Whole names, sorted; undefined where it refuses. What it would build and name itself is left out. */
function theirs(
  folder: string,
  { named = [], env = {}, profiles = [], envFiles = [] }: Project,
): string[] | undefined {
  const flags = [
    ...named.flatMap(name => ['-f', name]),
    ...profiles.flatMap(name => ['--profile', name]),
    ...envFiles.flatMap(name => ['--env-file', name]),
  ];
  const { status, stdout } = spawnSync(compose, ['-p', 'built', ...flags, 'config', '--images'], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  return unique(stdout.split('\n').filter(name => name !== '' && !name.startsWith('built-')));
}

async function ours(
  folder: string,
  { named = [], env = {}, profiles, envFiles }: Project,
): Promise<string[] | undefined> {
  try {
    const { images } = await imagesOfCompose(
      named.length === 0 ? folder : named.map(name => join(folder, name)),
      {
        env,
        profiles,
        envFiles: envFiles?.map(name => join(folder, name)),
      },
    );
    return unique(images.map(({ reference }) => formatReference(reference)));
  } catch (error) {
    if (!isAirferryError(error)) throw error;
    return undefined;
  }
}

function unique(names: string[]): string[] {
  return [...new Set(names.map(name => formatReference(parseReference(name))))].sort();
}

const services = (lines: Record<string, string>): string =>
  `services:\n${Object.entries(lines)
    .map(([name, text]) => `  ${name}: ${text}\n`)
    .join('')}`;

const PROJECTS: Record<string, Project> = {
  'variables in all notations': {
    files: {
      'compose.yaml': services({
        a: '{ image: "a:${T}-${U:-x}-${E-y}-${E:-z}" }',
        b: '{ image: "b:$T${U:+no}${T:+yes}" }',
        c: '{ image: "${R:-hub.company.com}/c:${V:-${T}}" }',
        d: '{ image: "d:${T:?needed}" }',
      }),
      '.env': 'T="1.${N}"\nN=2\nE=\nexport Q=\'$T\'\n',
    },
    env: { N: '9' },
  },
  'a variable that must be set': { files: { 'compose.yaml': services({ a: '{ image: "a:${T:?}" }' }) } },
  'env files that are named': {
    files: {
      'compose.yaml': services({ a: '{ image: "a:${T}-${S}" }' }),
      '.env': 'T=dot\nS=dot\n',
      'one.env': 'T=one\nS=one # c\n',
      'two.env': 'S: two\n',
    },
    envFiles: ['one.env', 'two.env'],
  },
  'profiles none': {
    files: {
      'compose.yaml': services({
        a: '{ image: a }',
        b: '{ image: b, profiles: [p] }',
        c: '{ image: c, profiles: [] }',
      }),
    },
  },
  'profiles of the environment': {
    files: {
      'compose.yaml': services({
        a: '{ image: a }',
        b: '{ image: b, profiles: [p] }',
        c: '{ image: c, profiles: [q] }',
      }),
    },
    env: { COMPOSE_PROFILES: 'p, q' },
  },
  'profiles that are given': {
    files: {
      'compose.yaml': services({
        a: '{ image: a }',
        b: '{ image: b, profiles: [p] }',
        c: '{ image: c, profiles: [q] }',
      }),
    },
    env: { COMPOSE_PROFILES: 'p' },
    profiles: ['q'],
  },
  'all profiles': {
    files: { 'compose.yaml': services({ b: '{ image: b, profiles: [p] }' }) },
    profiles: ['*'],
  },
  'extends in the file and out of others': {
    files: {
      'compose.yaml': services({
        a: '{ extends: base, image: own }',
        base: '{ image: "base:${T}", profiles: [p] }',
        b: '{ extends: { file: sub/o.yml, service: s } }',
        c: '{ extends: { file: sub/o.yml, service: t } }',
        d: '{ extends: b }',
      }),
      'sub/o.yml': services({
        s: '{ image: "s:1" }',
        t: '{ build: ., extends: u }',
        u: '{ image: "u:${T}" }',
      }),
      'sub/.env': 'T=sub\n',
      '.env': 'T=main\n',
    },
  },
  'extends in a circle': {
    files: { 'compose.yaml': services({ a: '{ extends: b }', b: '{ extends: a }' }) },
  },
  'includes with their own variables': {
    files: {
      'compose.yaml': `include:\n  - sub/compose.yaml\n  - { path: [x/a.yml, x/b.yml], env_file: x.env }\n${services({ a: '{ image: "a:${T}" }' })}`,
      'sub/compose.yaml': services({ s: '{ image: "s:${T}-${S}" }' }),
      'sub/.env': 'T=sub\nS=s\n',
      'x/a.yml': services({ x: '{ image: x1 }' }),
      'x/b.yml': services({ x: '{ image: "x2:${W}" }' }),
      'x.env': 'W=w\n',
      '.env': 'T=main\n',
    },
  },
  'merge keys and anchors': {
    files: {
      'docker-compose.yml': `x-a: &a { image: "a:1", profiles: [p] }\nx-b: &b\n  image: b:1\n${services({
        one: '{ <<: *a, profiles: [] }',
        two: '{ image: "own:2", <<: [*b, *a] }',
        three: '{ <<: [*b, *a] }',
        four: '{ <<: *b }',
      })}`,
    },
    profiles: ['p'],
  },
  'an override file beside': {
    files: {
      'docker-compose.yml': services({ a: '{ image: one }', b: '{ image: two }' }),
      'docker-compose.override.yml': services({ a: '{ image: three }' }),
    },
  },
  'files that are named': {
    files: {
      'docker-compose.yml': services({ a: '{ image: one }', b: '{ image: two, profiles: [x] }' }),
      'docker-compose.override.yml': services({ a: '{ image: three }' }),
      'prod.yml': services({ b: '{ image: four, profiles: [y] }', c: '{ image: five }' }),
    },
    named: ['docker-compose.yml', 'prod.yml'],
    profiles: ['y'],
  },
  'COMPOSE_FILE in .env': {
    files: {
      'compose.yaml': services({ a: '{ image: one }' }),
      'other.yml': services({ b: '{ image: two }' }),
      '.env': 'COMPOSE_FILE=compose.yaml:other.yml\n',
    },
  },
  'reset and override': {
    files: {
      '1.yml': services({
        a: '{ image: a1, build: . }',
        b: '{ image: b1, profiles: [x] }',
        c: '{ image: c1 }',
      }),
      '2.yml': services({ a: '{ image: !reset null }', b: '{ profiles: !reset [] }', c: '{ image: c2 }' }),
    },
    named: ['1.yml', '2.yml'],
  },
  'several documents': {
    files: {
      'compose.yaml': `${services({ a: '{ image: one }' })}---\n${services({ b: '{ image: two }', a: '{ image: three }' })}`,
    },
  },
  'a number for an image': { files: { 'compose.yaml': services({ a: '{ image: 1.25 }' }) } },
  'a service without anything': { files: { 'compose.yaml': services({ a: '' }) } },
  'neither image nor build': { files: { 'compose.yaml': services({ a: '{ ports: ["80:80"] }' }) } },
  'built here, and with a name': {
    files: { 'compose.yaml': services({ a: '{ build: . }', b: '{ build: ., image: "b:1" }' }) },
  },
  'a version of old': {
    files: {
      'docker-compose.yml': `version: "2.4"\n${services({ a: `{ image: "nginx@sha256:${'ab'.repeat(32)}" }` })}`,
    },
  },
};

for (const [what, project] of Object.entries(PROJECTS)) {
  test(`docker compose and we agree: ${what}`, async () => {
    const folder = layOut(project.files);
    assert.equal(await ours(folder, project), theirs(folder, project));
  });
}

test('the oracle works: some projects have images, and some are refused', () => {
  const results = Object.values(PROJECTS).map(project => theirs(layOut(project.files), project));
  assert.ok(results.filter(result => result === undefined).length >= 4);
  assert.ok(results.filter(result => (result?.length ?? 0) > 1).length >= 10);
});

test.run();
