import * as assert from 'uvu/assert';
import {
  familiarName,
  formatReference,
  parseReference,
  parseRegistryAddress,
} from '../../src/content/reference.ts';
import { refusal } from '../engine/expect.ts';
import { processorTime } from '../support/processor-time.ts';
import { suite } from '../support/suite.ts';

const test = suite('reference');
const HEX = 'a'.repeat(64);
const SHA = `sha256:${HEX}`;

/** What is written, the whole name, and the name as Docker's user writes it. */
const VALID: [written: string, whole: string, familiar: string][] = [
  ['nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['nginx:1.25', 'docker.io/library/nginx:1.25', 'nginx:1.25'],
  ['library/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['docker.io/library/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['index.docker.io/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['rancher/agent:v2', 'docker.io/rancher/agent:v2', 'rancher/agent:v2'],
  ['a/b/c', 'docker.io/a/b/c:latest', 'a/b/c:latest'],
  ['library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
  ['localhost/x', 'localhost/x:latest', 'localhost/x:latest'],
  ['localhost:5000/x:1', 'localhost:5000/x:1', 'localhost:5000/x:1'],
  ['hub.company.com/x', 'hub.company.com/x:latest', 'hub.company.com/x:latest'],
  ['hub:5000/x', 'hub:5000/x:latest', 'hub:5000/x:latest'],
  ['Hub.Company.COM/x', 'Hub.Company.COM/x:latest', 'Hub.Company.COM/x:latest'],
  ['10.0.0.5:5000/x:1', '10.0.0.5:5000/x:1', '10.0.0.5:5000/x:1'],
  ['[::1]:5000/x', '[::1]:5000/x:latest', '[::1]:5000/x:latest'],
  ['[2001:db8::7]/x:y', '[2001:db8::7]/x:y', '[2001:db8::7]/x:y'],
  ['hub.company.com:5000', 'docker.io/library/hub.company.com:5000', 'hub.company.com:5000'],
  [`nginx@${SHA}`, `docker.io/library/nginx@${SHA}`, `nginx@${SHA}`],
  [`nginx:1@${SHA}`, `docker.io/library/nginx:1@${SHA}`, `nginx:1@${SHA}`],
  [`nginx@sha512:${HEX}${HEX}`, `docker.io/library/nginx@sha512:${HEX}${HEX}`, `nginx@sha512:${HEX}${HEX}`],
  ['a.b_c__d-e---f', 'docker.io/library/a.b_c__d-e---f:latest', 'a.b_c__d-e---f:latest'],
  [`nginx:${'t'.repeat(128)}`, `docker.io/library/nginx:${'t'.repeat(128)}`, `nginx:${'t'.repeat(128)}`],
  ['nginx:_A.b-c', 'docker.io/library/nginx:_A.b-c', 'nginx:_A.b-c'],
  // Without docker.io these would begin with a registry.
  ['docker.io/foo.bar/x', 'docker.io/foo.bar/x:latest', 'docker.io/foo.bar/x:latest'],
  ['docker.io/localhost/x', 'docker.io/localhost/x:latest', 'docker.io/localhost/x:latest'],
];

for (const [written, whole, familiar] of VALID) {
  test(`${written.slice(0, 60)} is ${whole.slice(0, 60)}`, () => {
    const reference = parseReference(written);
    assert.is(formatReference(reference), whole);
    assert.is(familiarName(reference), familiar);
    assert.equal(parseReference(whole), reference, 'the whole name means the same');
    assert.equal(parseReference(familiar), reference, 'the familiar name means the same');
  });
}

const INVALID: [written: string, why: RegExp][] = [
  ['', /not a repository name/],
  [' nginx', /not a repository name/],
  ['nginx ', /not a repository name/],
  ['nginx:', /not a tag/],
  ['nginx:a b', /not a tag/],
  ['nginx:-x', /not a tag/],
  [`nginx:${'t'.repeat(129)}`, /not a tag/],
  ['nginx@', /not a digest/],
  ['nginx@sha256:abc', /not a digest/],
  [`nginx@sha256:${HEX.toUpperCase()}`, /not a digest/],
  [`nginx@md5:${HEX.slice(0, 32)}`, /not a digest/],
  [`nginx@sha512:${HEX}`, /not a digest/],
  [`@${SHA}`, /not a repository name/],
  ['Nginx', /lower case/],
  ['hub.company.com/Team/App', /lower case/],
  ['a//b', /not a repository name/],
  ['/a', /not a repository name/],
  ['a/', /not a repository name/],
  ['-a', /not a repository name/],
  ['a-', /not a repository name/],
  ['a..b', /not a repository name/],
  ['a___b', /not a repository name/],
  ['a/../b', /not a repository name/],
  ['../b', /not a registry host/],
  ['./saved.tar', /not a registry host/],
  ['hub-.com/x', /not a registry host/],
  ['hub.com:port/x', /not a registry host/],
  ['hub.com:123456/x', /not a registry host/],
  ['[::1/x', /not a registry host/],
  ['https://hub.com/x', /not a/],
  ['user@hub.com/x', /not a digest/],
  ['nginx\u0000', /not a repository name/],
  ['nginx\n', /not a repository name/],
  ['ngïnx', /not a repository name/],
  [`a/${'b'.repeat(255)}`, /more than 255/],
  ['x'.repeat(600), /too long/],
];

for (const [written, why] of INVALID) {
  test(`${JSON.stringify(written).slice(0, 60)} is no image name`, async () => {
    await refusal(() => parseReference(written), 'REFERENCE_INVALID', why);
  });
}

test('upper case is answered with the name in lower case, and the tag as it was', async () => {
  const simple = await refusal(() => parseReference('Nginx:Stable'), 'REFERENCE_INVALID');
  assert.equal(simple.suggestions, ['Write nginx:Stable.']);
  const deep = await refusal(() => parseReference('hub.com/Team/App:V1'), 'REFERENCE_INVALID');
  assert.equal(deep.suggestions, ['Write hub.com/team/app:V1.']);
  const nothing = await refusal(() => parseReference('Red is'), 'REFERENCE_INVALID');
  assert.not.match(nothing.suggestions.join(), 'red is');
});

test('no name takes long to refuse, whatever it is made of', () => {
  const elapsed = processorTime();
  for (const piece of ['a', 'a-', 'a_', 'a.', 'a/', '-', '__', '[', ':', '0:', '[::']) {
    for (const end of ['', '!', '/', 'A']) {
      try {
        parseReference(piece.repeat(500).slice(0, 550) + end);
      } catch {}
      try {
        parseRegistryAddress(piece.repeat(5000) + end);
      } catch {}
    }
  }
  assert.ok(elapsed() < 500);
});

test('a name that only looks official keeps its registry', () => {
  assert.is(
    familiarName({ registry: 'docker.io', repository: 'nginx', tag: '1' }),
    'docker.io/nginx:1',
    'not library/nginx',
  );
});

test('a long name is shortened in the message', async () => {
  const error = await refusal(() => parseReference(`a${'/b'.repeat(270)}!`), 'REFERENCE_INVALID');
  assert.ok(error.message.length < 800);
});

test('a registry address is a host with a port at most', async () => {
  for (const address of ['hub.company.com', '10.0.0.5:5000', 'localhost', '[::1]:5000', 'hub'])
    assert.is(parseRegistryAddress(address), address);
  for (const address of ['', 'hub/', 'hub/x', 'a b', ':5000', 'hub:', '-hub'])
    await refusal(() => parseRegistryAddress(address), 'REFERENCE_INVALID', /not a registry address/);
  const error = await refusal(() => parseRegistryAddress('http://hub:5000'), 'REFERENCE_INVALID');
  assert.match(error.suggestions[0] ?? '', /without a scheme.*--plain-http/);
});

test.run();
