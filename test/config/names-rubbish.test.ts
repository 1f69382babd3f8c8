import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { imagesOfCompose } from '../../src/config/compose.ts';
import { parseEnv } from '../../src/config/compose-env.ts';
import { parseImageList } from '../../src/config/image-list.ts';
import { parseManifests } from '../../src/config/kubernetes.ts';
import { parseRetagRules } from '../../src/config/retag-file.ts';
import { AirferryError } from '../../src/errors.ts';
import { processorTime } from '../support/processor-time.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('config: rubbish where images are named');
const MOST_MS = 2000;
const FILL = 90_000;
const folder = scratch();

const PARSERS: Record<string, (text: string) => unknown> = {
  compose: text => {
    writeFileSync(join(folder, 'compose.yaml'), text);
    return imagesOfCompose(folder, { env: {} });
  },
  kubernetes: text => parseManifests(text, { file: 'm.yaml' }),
  'retag rules': text => parseRetagRules(text, { file: 'rules' }),
  'retag rules in YAML': text => parseRetagRules(text, { file: 'rules.yaml' }),
  'image lists': text => parseImageList(text, { file: 'images' }),
  'image lists in YAML': text => parseImageList(text, { file: 'images.yaml' }),
  'env files': text => parseEnv(text, '.env', () => undefined),
};

/** Read it: there may be a result, or an error with a place; it may take only so long. */
async function endures(parse: (text: string) => unknown, text: string): Promise<boolean> {
  const spent = processorTime();
  try {
    await parse(text);
    return true;
  } catch (error) {
    if (!(error instanceof AirferryError)) throw error;
    assert.ok(
      (error.where.line ?? 0) >= 1 && (error.where.column ?? 0) >= 1,
      `it has a place: ${error.message}`,
    );
    assert.ok(error.message.length < 5000, 'it is of a length that can be read');
    return false;
  } finally {
    assert.ok(spent() < MOST_MS, `took ${Math.round(spent())} ms`);
  }
}

const times = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('');
const podHead = 'apiVersion: v1\nkind: Pod\nspec:\n';
const bomb = (key: string) =>
  `${key}: &a [${'image,'.repeat(9)}]\n${times(9, index => `${'bcdefghij'[index]}: &${'bcdefghij'[index]} [${`*${'abcdefghi'[index]},`.repeat(9)}]\n`)}`;
const mergeBomb = `a0: &a0 { image: x }\n${times(12, index => `a${index + 1}: &a${index + 1} { <<: [${`*a${index},`.repeat(9)}] }\n`)}services: { s: *a12 }\n`;

/** Each is refused by each parser that is named, or by none; what counts is that it ends. */
const CASES: Record<string, string> = {
  'opening brackets': `image: ${'['.repeat(FILL)}`,
  'deep maps': `image: ${'{a: '.repeat(FILL / 4)}`,
  'an alias bomb': bomb('image'),
  'a bomb of merge keys': mergeBomb,
  'aliases that repeat themselves': 'services: &a { image: x, s: *a }\n',
  'merge keys that repeat themselves': 'services: &a { image: x, <<: *a }\n',
  'six thousand services': `services:\n${times(6_000, index => `  s${index}: { image: x }\n`)}`,
  'a thousand services in one chain': `services:\n${times(1000, index => `  s${index}: { image: x, extends: s${index + 1} }\n`)}`,
  'six thousand bad images': `services:\n${times(6_000, index => `  s${index}: { image: X }\n`)}`,
  'six thousand bad containers': `${podHead}  containers:\n${times(6_000, () => '    - { image: X }\n')}`,
  'containers that are not containers': `${podHead}  containers: [1, null, [], { image: {} }, { image: [] }, { env: [1, null] }, { env: {} }]\n`,
  'nothing but documents': `${'---\nimage\n'.repeat(FILL / 10)}`,
  'nothing but dashes': '-'.repeat(FILL),
  'nothing but hashes': '#\n'.repeat(FILL / 2),
  'nothing but line ends': '\n'.repeat(FILL),
  'nothing but blanks': ' '.repeat(FILL),
  'nothing but stars': '*'.repeat(FILL),
  'nothing but equals': '='.repeat(FILL),
  'nothing but quotes': `A="${'\n'.repeat(FILL / 2)}`,
  'one long word': `image${'x'.repeat(FILL)}`,
  'many words': `${'image '.repeat(FILL / 6)}`,
  'a line each': 'a b\n'.repeat(FILL / 4),
  'bad lines': 'a = b = c\n'.repeat(FILL / 10),
  'lines of dollars': '$${'.repeat(FILL / 3),
  'braces of templates': '{{ image }}\n'.repeat(FILL / 12),
  'unknown tags': `services: !a { image: !b x, image2: !!binary "%%%" }\n`,
  'keys of Object.prototype': 'services: { constructor: { image: a }, toString: { extends: valueOf } }\n',
  'a key that is a prototype': 'services: { __proto__: { image: a } }\n',
  'a null byte': 'image\u0000',
};

for (const [what, text] of Object.entries(CASES)) {
  test(`${what}: read or refused, in time`, async () => {
    for (const parse of Object.values(PARSERS)) await endures(parse, text);
  });
}

test('bombs are named as what they are', async () => {
  for (const [name, text] of [
    ['compose', CASES['an alias bomb'] ?? ''],
    ['compose', mergeBomb],
    ['kubernetes', CASES['an alias bomb'] ?? ''],
  ] as const) {
    const message = await Promise.resolve()
      .then(() => PARSERS[name]?.(text))
      .then(
        () => '',
        (error: Error) => error.message,
      );
    assert.match(message, 'aliases repeat more than 100000 values');
  }
});

function noise(seed: number, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed}:${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

for (const [name, parse] of Object.entries(PARSERS)) {
  test(`random bytes and random arrangements of signs end in a result or an error with a place: ${name}`, async () => {
    const words =
      'a|image|: |services|\n|  |- |{|}|[|]|,|"|\'|&a |*a|!t |>|#|%|=|---|kind: |apiVersion: v1\n|${|$|<<: |extends: |include: |containers'.split(
        '|',
      );
    for (let seed = 0; seed < 100; seed++) {
      await endures(parse, `image${noise(seed, 20 + seed * 3).toString('latin1')}`);
      await endures(parse, [...noise(seed, 50)].map(byte => words[byte % words.length]).join(''));
    }
  });
}

test.run();
