import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as assert from 'uvu/assert';
import { retagRules, type WantedOptions, wantedImages } from '../../src/actions/image-names.ts';
import { familiarName, formatReference } from '../../src/content/reference.ts';
import { refusal } from '../config/refused.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/image-names');
const folder = scratch();
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const list = file('images.txt', 'nginx:1.25 hub.company.com/web/nginx:1.25\nmysql:8\nredis\n');
const compose = file(
  'docker-compose.yml',
  'services:\n  db: { image: mysql:8, platform: linux/arm64 }\n  web: { image: "web:1" }\n  own: { build: . }\n',
);
const more = file(
  'more.yml',
  'services:\n  web: { image: "web:2" }\n  dbg: { image: dbg, profiles: [debug] }\n',
);
const manifest = file(
  'pod.yaml',
  'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec:\n  containers: [{ name: a, image: redis }, { name: b, image: redis }]\n',
);

async function wanted(options: WantedOptions) {
  const { images, warnings } = await wantedImages(options);
  return {
    images: images?.map(
      ({ name, as, platforms, origins }) =>
        `${familiarName(name)}${as ? ` as ${formatReference(as)}` : ''}${platforms ? ` on ${platforms}` : ''}: ${origins
          .map(({ what, where }) =>
            where.file ? `${what} ${relative(folder, where.file)}:${where.line}` : what,
          )
          .join(' | ')}`,
    ),
    warnings,
  };
}

test('where nothing is asked for, there is no choice', async () => {
  assert.equal(await wantedImages({}), { warnings: [] });
  assert.equal(await wantedImages({ only: [], compose: [], profiles: ['x'] }), { warnings: [] });
});

test('names, lists, compose files and manifests are folded into one list with the origins of each', async () => {
  const { images, warnings } = await wanted({
    only: ['nginx:1.25'],
    imageFiles: [list],
    compose: [compose],
    kubernetes: [manifest],
  });
  assert.equal(images, [
    'nginx:1.25: the command line',
    'nginx:1.25 as hub.company.com/web/nginx:1.25: the list images.txt:1',
    'mysql:8: the list images.txt:2 | the service db docker-compose.yml:2',
    'redis:latest: the list images.txt:3 | Pod/p, a pod.yaml:5 | Pod/p, b pod.yaml:5',
    'web:1: the service web docker-compose.yml:3',
  ]);
  assert.match(warnings.join(), 'The service own is built');
});

test('a platform that only one asks for is not lost, and all platforms win over one', async () => {
  assert.match((await wanted({ compose: [compose] })).images?.[0] ?? '', /^mysql:8 on linux\/arm64: /);
  assert.match((await wanted({ compose: [compose], only: ['mysql:8'] })).images?.[0] ?? '', /^mysql:8: /);
});

test('compose files of one project are joined by colons, those of several are told apart', async () => {
  const joined = await wanted({ compose: [`${compose}:${more}`], profiles: ['debug'] });
  assert.equal(
    joined.images?.map(image => image.split(': ')[0]),
    ['mysql:8 on linux/arm64', 'web:2', 'dbg:latest'],
  );
  const apart = await wanted({ compose: [compose, more] });
  assert.equal(
    apart.images?.map(image => image.split(': ')[0]),
    ['mysql:8 on linux/arm64', 'web:1', 'web:2'],
  );
});

test('two lists that give two images one name are refused', async () => {
  const other = file('other.txt', 'httpd hub.company.com/web/nginx:1.25\n');
  const refused = await refusal(() => wantedImages({ imageFiles: [list, other] }));
  assert.is(refused.code, 'RULE_COLLISION');
  assert.is(refused.where, `${other}:1:1`);
  assert.is(
    refused.message,
    'nginx:1.25 and httpd:latest would both get the name hub.company.com/web/nginx:1.25',
  );
});

test('files in which no image is named are refused, rather than taken for all images', async () => {
  const built = file('built.yml', 'services: { own: { build: . } }\n');
  const refused = await refusal(() => wantedImages({ compose: [built] }));
  assert.is(refused.code, 'IMAGE_NOT_FOUND');
  assert.match(refused.message, /^no image is named in .*built\.yml$/);
});

test('rules of the command line come before those of files', async () => {
  const rules = file('rules.txt', '# all\n*=hub/*\n');
  assert.equal(
    (await retagRules(['a=b'], [rules])).map(rule => [
      rule.text,
      'where' in rule ? rule.where.line : undefined,
    ]),
    [
      ['a=b', undefined],
      ['*=hub/*', 2],
    ],
  );
});

test.run();
