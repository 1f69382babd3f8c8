import * as assert from 'uvu/assert';
import {
  expectAll,
  type Naming,
  namedContent,
  namingFor,
  type Renamed,
  refuseCollisions,
  rename,
} from '../../src/actions/renaming.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { formatReference, parseReference } from '../../src/content/reference.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { isAirferryError } from '../../src/errors.ts';
import { parseLocation } from '../../src/transports/location.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/renaming');

const cases: [target: string, rules: string[], from: string, to: string][] = [
  ['docker://hub.company.com', [], 'nginx:1.25', 'hub.company.com/library/nginx:1.25'],
  ['docker://hub.company.com', [], 'quay.io/team/app:2', 'hub.company.com/team/app:2'],
  ['docker://hub.company.com/plant/', [], 'nginx:1.25', 'hub.company.com/plant/nginx:1.25'],
  ['docker://hub.company.com/plant/', [], 'quay.io/team/app:2', 'hub.company.com/plant/team/app:2'],
  ['docker://hub.company.com/plant/', ['nginx=web'], 'nginx:1.25', 'hub.company.com/web:1.25'],
  ['docker://hub.company.com/web:7', [], 'nginx:1.25', 'hub.company.com/web:7'],
  ['docker-archive:x.tar', [], 'nginx:1.25', 'docker.io/library/nginx:1.25'],
  ['docker-archive:x.tar', ['*=hub.company.com/*'], 'nginx:1.25', 'hub.company.com/nginx:1.25'],
  ['oci:x:redis:7', [], 'nginx:1.25', 'docker.io/library/redis:7'],
  ['docker-daemon:', ['nginx=web'], 'nginx:1.25', 'docker.io/library/web:1.25'],
  ['x.tar', [], 'nginx:1.25', 'docker.io/library/nginx:1.25'],
];

for (const [target, rules, from, to] of cases) {
  const led = rules.length > 0 ? ` led by ${rules.join(', ')}` : '';
  test(`${from} on its way to ${target}${led} becomes ${to}`, () => {
    const naming = namingFor(parseLocation(target), rules.map(parseRetagRule));
    assert.is(formatReference(rename(parseReference(from), naming).to), to);
  });
}

test('rules and a target that names its image exclude each other', () => {
  assert.throws(
    () => namingFor(parseLocation('docker://hub.company.com/web:7'), [parseRetagRule('a=b')]),
    (error: unknown) => isAirferryError(error, 'USAGE') && /web:7/.test(error.suggestions.join()),
  );
});

function renamed(naming: Naming, ...names: [name: string, content: string][]): Renamed[] {
  return names.map(([name, content]) => ({
    ...rename(parseReference(name), naming),
    content: digestOf(content),
  }));
}

test('an image with and without a manifest of its own is one image, two manifests are two', () => {
  const naming = namingFor(parseLocation('docker://hub.company.com/'), []);
  const [config, manifest, other] = ['config', 'manifest', 'other'].map(text => digestOf(text));
  if (!config || !manifest || !other) throw new Error('three were made');
  const one = rename(parseReference('a:1'), naming);
  const plain = { ...one, content: config, config };
  const packed = { ...one, content: manifest, config };
  refuseCollisions([plain, packed], naming);
  assert.throws(
    () => refuseCollisions([packed, { ...one, content: other, config }], naming),
    (error: unknown) => isAirferryError(error, 'RULE_COLLISION'),
  );
});

test('a tag that only leads to a signature is no name of its own, unless its subject is elsewhere', () => {
  const subject = digestOf('manifest');
  const document = (digest: Digest) => ({
    descriptor: { mediaType: OCI_MANIFEST, digest, size: 1 },
    bytes: new Uint8Array(1),
  });
  const image = (name: string, digest: Digest, about?: Digest) => ({
    names: [parseReference(name)],
    platform: { os: 'linux', architecture: 'amd64' },
    config: document(digestOf(`config of ${name}`)),
    layers: [],
    manifest: document(digest),
    ...(about && { subject: about }),
  });
  const signature = image(`app:${subject.replace(':', '-')}.sig`, digestOf('signature'), subject);
  const names = (images: ReturnType<typeof image>[]) =>
    namedContent({ images, indexes: [] }).map(({ name }) => name.tag);
  assert.equal(names([image('app:1', subject), signature]), ['1']);
  assert.equal(names([signature]), [`${subject.replace(':', '-')}.sig`]);
});

test('several images cannot go to one name, several names of one image can', () => {
  const naming = namingFor(parseLocation('oci:x:redis:7'), []);
  assert.throws(
    () => refuseCollisions(renamed(naming, ['a:1', 'x'], ['b:1', 'y']), naming),
    (error: unknown) => isAirferryError(error, 'USAGE') && /a:1, b:1/.test(error.message),
  );
  refuseCollisions(renamed(naming, ['a:1', 'x'], ['a:latest', 'x']), naming);
});

test('images of several sources that would get one name are refused, both named', () => {
  const naming = namingFor(parseLocation('x.tar'), [parseRetagRule('*/app=app')]);
  assert.throws(
    () => refuseCollisions(renamed(naming, ['one/app:1', 'x'], ['two/app:1', 'y']), naming),
    (error: unknown) =>
      isAirferryError(error, 'RULE_COLLISION') && /one\/app:1 and two\/app:1/.test(error.message),
  );
});

test('a name that is missing is told with the nearest that is there', () => {
  assert.throws(
    () => expectAll([{ name: parseReference('ngins:1') }], [parseReference('nginx:1')], 'oci:x'),
    (error: unknown) => isAirferryError(error, 'IMAGE_NOT_FOUND') && /nginx:1/.test(error.suggestions.join()),
  );
});

test.run();
