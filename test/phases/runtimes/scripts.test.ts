import * as assert from 'uvu/assert';
import { DOCKER_ENVIRONMENT } from '../../../src/phases/docker-cli.ts';
import { containerd } from '../../../src/phases/runtimes/containerd.ts';
import { skopeoPull } from '../../../src/phases/runtimes/crio.ts';
import { docker } from '../../../src/phases/runtimes/docker.ts';
import { nerdctl } from '../../../src/phases/runtimes/nerdctl.ts';
import { podman } from '../../../src/phases/runtimes/podman.ts';
import { parseInspected, parseList } from '../../../src/phases/runtimes/templates.ts';
import { suite } from '../../support/suite.ts';

const test = suite('phases/runtimes');

const REFERENCE = '127.0.0.1:40001/0f0f@sha256:aa';
const NAMES = ['nginx:1.25', 'hub.company.com/site/web:2'];
const HEX = 'a'.repeat(64);
const LAYER = `sha256:${'b'.repeat(64)}`;

test('docker pulls, tags and untags; what it prints of layers stays on the host', () => {
  assert.is(
    docker.pullScript(REFERENCE, NAMES),
    `${DOCKER_ENVIRONMENT}
docker pull ${REFERENCE} >/dev/null || exit
{ docker tag ${REFERENCE} nginx:1.25 && docker tag ${REFERENCE} hub.company.com/site/web:2; } >/dev/null; s=$?
docker rmi ${REFERENCE} >/dev/null || s=$?
exit $s`,
  );
  assert.is(docker.loadScript, `${DOCKER_ENVIRONMENT}\ndocker load 2>&1`);
});

test('ctr pulls by plain HTTP into the namespace, under whole names', () => {
  const { pullScript, loadScript } = containerd('k8s.io');
  assert.is(
    pullScript(REFERENCE, NAMES),
    `ctr --namespace k8s.io images pull --plain-http ${REFERENCE} >/dev/null || exit
{ ctr --namespace k8s.io images tag --force ${REFERENCE} docker.io/library/nginx:1.25 && ctr --namespace k8s.io images tag --force ${REFERENCE} hub.company.com/site/web:2; } >/dev/null; s=$?
ctr --namespace k8s.io images rm ${REFERENCE} >/dev/null || s=$?
exit $s`,
  );
  assert.is(loadScript, 'ctr --namespace k8s.io images import - 2>&1');
  assert.is(containerd("a'b").loadScript, `ctr --namespace 'a'\\''b' images import - 2>&1`);
});

test('podman untags the pulled name alone, which a single word would not', () => {
  const script = podman.pullScript(REFERENCE, ['nginx:1.25']);
  assert.match(script, `podman pull -q --tls-verify=false ${REFERENCE} >/dev/null || exit`);
  assert.match(script, `podman tag ${REFERENCE} docker.io/library/nginx:1.25;`);
  assert.match(script, `podman untag ${REFERENCE} ${REFERENCE} >/dev/null`);
});

test('nerdctl is told of the insecure registry before its command', () => {
  const { pullScript, loadScript } = nerdctl('k8s.io');
  assert.match(
    pullScript(REFERENCE, ['nginx:1.25']),
    `nerdctl --insecure-registry --namespace k8s.io pull -q ${REFERENCE} >/dev/null || exit`,
  );
  assert.is(loadScript, 'nerdctl --namespace k8s.io load 2>&1');
});

test('skopeo writes the store of CRI-O, a copy for each name', () => {
  assert.is(
    skopeoPull(REFERENCE, NAMES),
    `skopeo copy -q --src-tls-verify=false docker://${REFERENCE} containers-storage:docker.io/library/nginx:1.25 && skopeo copy -q --src-tls-verify=false docker://${REFERENCE} containers-storage:hub.company.com/site/web:2`,
  );
});

test('names are quoted wherever they go into a script', () => {
  const evil = "x:1'; rm -rf /";
  assert.match(docker.pullScript(REFERENCE, [evil]), `docker tag ${REFERENCE} 'x:1'\\''; rm -rf /'`);
});

test('a list of images is read with and without the algorithm, in whole and familiar names', () => {
  const { names, chains } = parseList([
    `name=sha256:${HEX} docker.io/library/nginx:1.25`,
    `name=${HEX} localhost/site/web:2`,
    `name=sha256:${HEX} <none>:<none>`,
    'name=rubbish x:1',
    `layers=["${LAYER}"]`,
    'layers=nonsense',
    'layers=["sha256:short"]',
  ]);
  assert.equal(
    [...names],
    [
      ['nginx:1.25', `sha256:${HEX}`],
      ['localhost/site/web:2', `sha256:${HEX}`],
    ],
  );
  assert.equal([...chains], [LAYER]);
});

test('what an inspection prints is read; a line that is none is not', () => {
  const text = `docker.io/library/nginx:1.25 ${HEX} linux/arm64 ["${LAYER}"]\nwarning: something\nx:1 sha256:${HEX} linux/amd64 null\n`;
  assert.equal(parseInspected(text), [
    {
      name: 'nginx:1.25',
      id: `sha256:${HEX}`,
      platform: { os: 'linux', architecture: 'arm64' },
      diffIds: [LAYER],
    },
    { name: 'x:1', id: `sha256:${HEX}`, platform: { os: 'linux', architecture: 'amd64' }, diffIds: [] },
  ]);
});

test.run();
