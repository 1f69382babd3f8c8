/** Addresses, mirrors and checksums: what is pure about fetching. */
import * as assert from 'uvu/assert';
import { checksumIn } from '../../../src/bundle/fetch/checksums.ts';
import { mirrored, mirrorOf, mirrorsIn, mirrorVariable } from '../../../src/bundle/fetch/mirroring.ts';
import { PUBLISHER_HOSTS, toolSource } from '../../../src/bundle/fetch/publishers.ts';
import { refusal } from '../../engine/expect.ts';
import { suite } from '../../support/suite.ts';

const test = suite('bundle/fetch/publishers');

test('tools lie where their publishers put them', () => {
  const found = (['rootless-extras', 'buildx', 'crictl', 'nerdctl', 'registry'] as const).map(name => {
    const { url, checksumUrl } = toolSource(
      name,
      name === 'rootless-extras' ? '20.10.24' : '1.2.3',
      'linux/arm64',
    );
    return [url, checksumUrl];
  });
  const github = 'https://github.com';
  assert.equal(found, [
    [
      'https://download.docker.com/linux/static/stable/aarch64/docker-rootless-extras-20.10.24.tgz',
      undefined,
    ],
    [
      `${github}/docker/buildx/releases/download/v1.2.3/buildx-v1.2.3.linux-arm64`,
      `${github}/docker/buildx/releases/download/v1.2.3/checksums.txt`,
    ],
    [
      `${github}/kubernetes-sigs/cri-tools/releases/download/v1.2.3/crictl-v1.2.3-linux-arm64.tar.gz`,
      `${github}/kubernetes-sigs/cri-tools/releases/download/v1.2.3/crictl-v1.2.3-linux-arm64.tar.gz.sha256`,
    ],
    [
      `${github}/containerd/nerdctl/releases/download/v1.2.3/nerdctl-1.2.3-linux-arm64.tar.gz`,
      `${github}/containerd/nerdctl/releases/download/v1.2.3/SHA256SUMS`,
    ],
    [
      `${github}/distribution/distribution/releases/download/v1.2.3/registry_1.2.3_linux_arm64.tar.gz`,
      `${github}/distribution/distribution/releases/download/v1.2.3/registry_1.2.3_linux_arm64.tar.gz.sha256`,
    ],
  ]);
});

test('checksums are read in every form that publishers use', () => {
  const [a, b] = ['a'.repeat(64), 'B'.repeat(64)];
  assert.is(checksumIn(`${a}\n`, 'x'), `sha256:${a}`);
  assert.is(checksumIn(a, 'x'), `sha256:${a}`);
  assert.is(checksumIn(`${a} *x\r\n${b}  y\n`, 'y'), `sha256:${b.toLowerCase()}`);
  assert.is(checksumIn(`# list\n\n${a}  ./dist/x\n`, 'x'), `sha256:${a}`);
  for (const text of ['', '<html>', `${a}\n${b}\n`, `${a} x\n${b} x\n`, `${a} xx\n`, `${a.slice(1)} x\n`])
    assert.is(checksumIn(text, 'x'), undefined, text);
});

test('the first list of mirrors with one that fits decides, in it the longest beginning', async () => {
  const own = [mirrorOf('github.com=https://m/gh'), mirrorOf('https://github.com/docker=http://m/d')];
  const env = mirrorsIn({ AIRFERRY_MIRROR_DOWNLOAD_DOCKER_COM: 'm.company.com/dd' }, PUBLISHER_HOSTS);
  const at = (url: string): string =>
    mirrored(url, [own, env, [mirrorOf('https://download.docker.com=https://no')]]);
  assert.is(at('https://github.com/docker/x'), 'http://m/d/x');
  assert.is(at('https://github.com/dockers/x'), 'https://m/gh/dockers/x');
  assert.is(at('https://download.docker.com/y'), 'https://m.company.com/dd/y');
  assert.is(at('https://elsewhere.com/z'), 'https://elsewhere.com/z');
  assert.is(mirrorVariable('download.docker.com'), 'AIRFERRY_MIRROR_DOWNLOAD_DOCKER_COM');
  for (const wrong of [
    'github.com',
    '=https://x',
    'github.com=',
    'github.com=ftp://x',
    'github.com=https://u:p@x',
  ])
    await refusal(() => mirrorOf(wrong), 'USAGE');
});

test.run();
