import * as assert from 'uvu/assert';
import { composeSource, engineSource } from '../../src/engine/source.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './expect.ts';

const test = suite('engine/source');

test("engines lie under the publisher's own names of architectures", () => {
  const root = 'https://download.docker.com/linux/static/stable';
  for (const [version, platform, url] of [
    ['20.10.24', 'linux/amd64', `${root}/x86_64/docker-20.10.24.tgz`],
    ['29.0.1', 'linux/arm64', `${root}/aarch64/docker-29.0.1.tgz`],
    ['29.0.1', 'linux/arm64/v8', `${root}/aarch64/docker-29.0.1.tgz`],
    ['23.0.6', 'linux/arm/v7', `${root}/armhf/docker-23.0.6.tgz`],
    ['23.0.6', 'linux/arm/v6', `${root}/armel/docker-23.0.6.tgz`],
    ['18.09.9', 'linux/ppc64le', `${root}/ppc64le/docker-18.09.9.tgz`],
    ['18.09.9', 'linux/s390x', `${root}/s390x/docker-18.09.9.tgz`],
    ['18.06.3-ce', 'linux/amd64', `${root}/x86_64/docker-18.06.3-ce.tgz`],
    ['18.06.3', 'linux/amd64', `${root}/x86_64/docker-18.06.3-ce.tgz`],
  ] as const) {
    const source = engineSource(version, platform);
    assert.is(source.url, url);
    assert.is(source.fileName, url.split('/').at(-1));
    assert.is(source.checksumUrl, undefined);
  }
});

test('a release candidate lies in the channel for tests', () => {
  assert.match(engineSource('29.0.0-rc.1', 'linux/amd64').url, '/static/test/x86_64/docker-29.0.0-rc.1.tgz');
});

test('compose v1 and v2 are called differently, and both have a checksum', () => {
  const root = 'https://github.com/docker/compose/releases/download';
  assert.equal(composeSource('1.29.2', 'linux/amd64'), {
    url: `${root}/1.29.2/docker-compose-Linux-x86_64`,
    fileName: 'docker-compose-Linux-x86_64',
    checksumUrl: `${root}/1.29.2/docker-compose-Linux-x86_64.sha256`,
  });
  for (const version of ['2.29.7', 'v2.29.7']) {
    const source = composeSource(version, 'linux/arm64');
    assert.is(source.url, `${root}/v2.29.7/docker-compose-linux-aarch64`);
    assert.is(source.checksumUrl, `${source.url}.sha256`);
  }
  assert.match(composeSource('2.29.7', 'linux/arm/v7').url, 'docker-compose-linux-armv7');
});

test('what is not published is refused with what is', async () => {
  const error = await refusal(
    () => engineSource('20.10.24', 'linux/riscv64'),
    'PLATFORM_INVALID',
    /not published for linux\/riscv64/,
  );
  assert.match(error.suggestions.join(), 'linux/amd64, linux/arm64');
  await refusal(() => composeSource('1.29.2', 'linux/arm64'), 'PLATFORM_INVALID');
  await refusal(() => engineSource('20.10.24', 'constructor'), 'PLATFORM_INVALID');
  await refusal(() => engineSource('17.03.0-ce', 'linux/amd64'), 'ENGINE_INVALID');
  await refusal(() => composeSource('two', 'linux/amd64'), 'COMPOSE_INVALID');
});

test.run();
