import * as assert from 'uvu/assert';
import { parseImageList } from '../../src/config/image-list.ts';
import { parseRetagRules, readRetagRules } from '../../src/config/retag-file.ts';
import { familiarName, formatReference } from '../../src/content/reference.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './refused.ts';

const test = suite('config/retag-file and image-list');

const rules = (text: string, file = 'rules.txt') =>
  parseRetagRules(text, { file }).map(({ text, where }) => `${where.line}:${where.column} ${text}`);
const refusedRules = (text: string, file = 'rules.txt') => refusal(() => parseRetagRules(text, { file }));
const images = (text: string, file = 'images.txt') =>
  parseImageList(text, { file }).map(
    ({ name, as, platforms, where }) =>
      `${where.line}:${where.column} ${familiarName(name)}${as ? ` as ${formatReference(as)}` : ''}${platforms ? ` on ${platforms}` : ''}`,
  );
const refusedImages = (text: string, file = 'images.txt') => refusal(() => parseImageList(text, { file }));

test('rules stand one a line, with "=" or in two columns, in their order', () => {
  const text =
    '# the site\nrancher/*=hub/rancher/*\n\n  nginx:1.25\thub.company.com/web/nginx:1.25   # why\n*=hub/*\r\n';
  assert.equal(rules(text), [
    '2:1 rancher/*=hub/rancher/*',
    '4:3 nginx:1.25=hub.company.com/web/nginx:1.25',
    '5:1 *=hub/*',
  ]);
});

test('rules in YAML are a list of strings and of from and to, or a map; alone or under `rules`', () => {
  assert.equal(rules('rules:\n  - a=b\n  - { from: "c/*", to: "d/*" }\n', 'r.yaml'), [
    '2:5 a=b',
    '3:5 c/*=d/*',
  ]);
  assert.equal(rules('rules:\n  a: b\n  "c/*": d/*\n'), ['2:3 a=b', '3:3 c/*=d/*']);
  assert.equal(rules('- a=b\n- from: c\n  to: d\n'), ['1:3 a=b', '2:3 c=d']);
  assert.equal(rules('[{"from": "a", "to": "b"}]', 'r.json'), ['1:2 a=b']);
});

const BAD_RULES: [
  what: string,
  text: string,
  where: string,
  message: string | RegExp,
  hint: string | RegExp,
][] = [
  [
    'a name alone',
    'a=b\nnginx\n',
    '2:1',
    /"nginx" is not a retag rule: it needs one "="/,
    /PATTERN=REPLACEMENT/,
  ],
  ['three columns', 'a b c\n', '1:5', 'a rule has two columns, and this line has 3', /in columns/],
  ['an arrow', 'a -> b\n', '1:6', 'a rule has two columns, and this line has 3', 'Write `a=b`.'],
  [
    'a blank beside "="',
    'a= b\n',
    '1:1',
    '`a= b` has both a blank and a "="',
    'Write `a=b`, without the blank.',
  ],
  ['more stars on the right', 'a/*=b/*/*\n', '1:1', /more "\*" than the pattern/, /PATTERN/],
  ['nothing', '# only a comment\n', '1:1', 'the file has no rule', /PATTERN/],
  [
    'a slip in a key',
    'rules:\n  - { form: a, to: b }\n',
    '2:7',
    '`rules[0].form` is not a key that airferry knows',
    'Did you mean `from`?',
  ],
  [
    'the wrong top key',
    'rule: [a=b]\n',
    '1:1',
    '`rule` is not a key that airferry knows',
    'Did you mean `rules`?',
  ],
];

for (const [what, text, where, message, hint] of BAD_RULES) {
  test(`${what} among rules is refused at its place`, async () => {
    const refused = await refusedRules(text);
    assert.is(refused.code, 'RULE_INVALID');
    assert.is(refused.where, `rules.txt:${where}`);
    assert.match(refused.message, message);
    assert.match(refused.hint, hint);
  });
}

test('every bad rule is told at once, and a star that YAML takes for an alias is explained', async () => {
  assert.match(
    (await refusedRules('a\nb\nc=d\ne f g\n')).message,
    /also:\n {2}rules\.txt:2:1: .*\n {2}rules\.txt:4:5:/,
  );
  assert.is(
    (await refusedRules('rules:\n  - from: */nginx\n    to: b\n', 'r.yml')).hint,
    'Text that begins with * must be in quotes.',
  );
});

test('a file that is not there says what else there is', async () => {
  const refused = await refusal(() => readRetagRules('/nowhere/rules.txt'));
  assert.is(refused.code, 'FILE_NOT_FOUND');
  assert.match(refused.hint, '--retag PATTERN=REPLACEMENT');
});

test("Rancher's list, with comments and doubles, is read line by line", () => {
  const text =
    'rancher/rancher:v2.8.0\nrancher/shell:v0.1.22 \n# tools\nrancher/shell:v0.1.22\n\nnginx   hub.company.com/web/nginx:1.25\n';
  assert.equal(images(text), [
    '1:1 rancher/rancher:v2.8.0',
    '2:1 rancher/shell:v0.1.22',
    '6:1 nginx:latest as hub.company.com/web/nginx:1.25',
  ]);
});

test('a list in YAML has names and maps, alone or under `images`', () => {
  const text =
    'images:\n  - nginx:1.25\n  - { image: mysql:8, as: hub.company.com/db/mysql:8, platforms: [linux/amd64, linux/arm64/v8] }\n';
  assert.equal(images(text), [
    '2:5 nginx:1.25',
    '3:14 mysql:8 as hub.company.com/db/mysql:8 on linux/amd64,linux/arm64',
  ]);
  assert.equal(images('- nginx\n- docker.io/library/nginx:latest\n'), ['1:3 nginx:latest']);
});

test('the platforms of doubles add up; without a choice it is all of them', () => {
  const one = '{ image: a, platforms: [linux/amd64] }';
  assert.equal(images(`- ${one}\n- { image: a, platforms: [linux/arm64] }\n`), [
    '1:12 a:latest on linux/amd64,linux/arm64',
  ]);
  assert.equal(images(`- ${one}\n- a\n`), ['1:12 a:latest']);
});

const BAD_IMAGES: [
  what: string,
  text: string,
  where: string,
  message: string | RegExp,
  hint: string | RegExp,
][] = [
  ['an upper-case name', 'nginx\nNginx:1\n', '2:1', /repository names are lower case/, 'Write nginx:1.'],
  ['a bad target', 'nginx hub.company.com/Nginx\n', '1:7', /lower case/, /./],
  ['a "=" between two names', 'a=b\n', '1:1', '`a=b` is no image name', /`a b`.*--retag-file/],
  ['three words', 'a b c\n', '1:5', /this one has 3 words/, /#/],
  [
    'two images for one name',
    'a x/y\nb x/y\n',
    '2:3',
    'b:latest would get the name docker.io/x/y:latest, which a:latest gets on line 1',
    '',
  ],
  ['nothing', '\n', '1:1', 'the list has no image', /one name a line/],
  [
    'a slip in a key',
    '- { image: a, platform: [x] }\n',
    '1:15',
    /`\[0\]\.platform` is not a key/,
    'Did you mean `platforms`?',
  ],
  [
    'a platform of another tool',
    '- { image: a, platforms: [x86_64] }\n',
    '1:26',
    /not a platform/,
    'Did you mean linux/amd64?',
  ],
  ['a number', 'images: [1.25]\n', '1:10', /must be the name of an image/, /quotes/],
];

for (const [what, text, where, message, hint] of BAD_IMAGES) {
  test(`${what} in a list is refused at its place`, async () => {
    const refused = await refusedImages(text);
    assert.is(refused.code, 'IMAGE_LIST_INVALID');
    assert.is(refused.where, `images.txt:${where}`);
    assert.match(refused.message, message);
    assert.match(refused.hint, hint);
  });
}

test.run();
