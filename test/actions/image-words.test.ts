import { mkdirSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { sourceLocation, targetLocation } from '../../src/actions/image-words.ts';
import { isAirferryError } from '../../src/errors.ts';
import { formatLocation } from '../../src/transports/location.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/image-words');
const folder = scratch();

test('a file or folder of that name is meant before an image', () => {
  mkdirSync(`${folder}/nginx`);
  writeFileSync(`${folder}/site`, '');
  for (const word of [`${folder}/nginx`, `${folder}/site`, './none.tar', 'none.tar'])
    assert.equal(sourceLocation(word, 'docker'), { transport: 'path', path: word });
});

test('else a word is an image: of the local engine, or of its registry', () => {
  assert.is(
    formatLocation(sourceLocation('nginx:1.25', 'docker-daemon')),
    'docker-daemon:docker.io/library/nginx:1.25',
  );
  assert.is(
    formatLocation(sourceLocation('hub.company.com/app:2', 'docker')),
    'docker://hub.company.com/app:2',
  );
});

test('what is neither a file nor an image name was meant to be a file', () => {
  assert.equal(sourceLocation('Site 7', 'docker'), { transport: 'path', path: 'Site 7' });
});

const targets: [word: string, location: string][] = [
  ['out.tar', 'docker-archive:out.tar'],
  ['./layouts/db', 'oci:./layouts/db'],
  ['hub.company.com', 'docker://hub.company.com'],
  ['hub.company.com/app:2', 'docker://hub.company.com/app:2'],
  ['bundle:site.tar', 'bundle:site.tar'],
];

for (const [word, location] of targets) {
  test(`"${word}" as a target is ${location}`, () => {
    assert.is(formatLocation(targetLocation(word)), location);
  });
}

test('a target that would be compressed as a whole is refused', () => {
  assert.throws(
    () => targetLocation('out.tar.gz'),
    (error: unknown) => isAirferryError(error, 'USAGE') && /out\.tar\./.test(error.suggestions.join()),
  );
});

test.run();
