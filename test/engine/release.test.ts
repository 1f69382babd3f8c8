import * as assert from 'uvu/assert';
import { composeRelease, engineRelease, isOurs, releaseName } from '../../src/engine/release.ts';
import { suite } from '../support/suite.ts';
import { BINARIES } from './archives.ts';
import { refusal } from './expect.ts';

const test = suite('engine/release');
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test('a release is named by version and content', async () => {
  assert.is(releaseName('20.10.24', digest), '20.10.24-0123456789ab');
  assert.is(releaseName('20.10.24', digest.slice(7)), '20.10.24-0123456789ab');
  for (const wrong of ['', 'sha256:12', `sha512:${'a'.repeat(64)}`, digest.toUpperCase(), `${digest}\n`])
    await refusal(() => releaseName('20.10.24', wrong), 'DIGEST_INVALID');
});

test('an engine lies in a folder of its own, with one link per binary', () => {
  const release = engineRelease({ version: '20.10.24', digest, components: ['dockerd', 'runc'] });
  assert.equal(release, {
    name: '20.10.24-0123456789ab',
    dir: '/opt/airferry/releases/20.10.24-0123456789ab',
    binDir: '/opt/airferry/releases/20.10.24-0123456789ab/bin',
    files: [
      { member: 'docker/dockerd', path: '/opt/airferry/releases/20.10.24-0123456789ab/bin/dockerd' },
      { member: 'docker/runc', path: '/opt/airferry/releases/20.10.24-0123456789ab/bin/runc' },
    ],
    current: { path: '/opt/airferry/current', target: 'releases/20.10.24-0123456789ab' },
    links: [
      { path: '/usr/local/bin/dockerd', target: '/opt/airferry/current/bin/dockerd' },
      { path: '/usr/local/bin/runc', target: '/opt/airferry/current/bin/runc' },
    ],
  });
});

test('the binaries of 18.06 keep their names', () => {
  const components = BINARIES['18.06.3-ce'] ?? [];
  const release = engineRelease({ version: '18.06.3-ce', digest, components });
  assert.equal(
    release.links.map(link => link.path),
    components.map(file => `/usr/local/bin/${file}`),
  );
});

test('a manifest that lies cannot reach outside of the release', async () => {
  for (const name of ['../../etc/cron.d/x', 'sudo', '/bin/sh', ''])
    await refusal(() => engineRelease({ version: '20.10.24', digest, components: [name] }), 'ENGINE_INVALID');
  await refusal(() => engineRelease({ version: '../../x', digest, components: [] }), 'ENGINE_INVALID');
  await refusal(() => composeRelease({ version: '2/../x', digest }), 'COMPOSE_INVALID');
});

test('compose v1 is a program, v2 a plugin that scripts may still call by its old name', () => {
  const v1 = composeRelease({ version: '1.29.2', digest });
  assert.is(v1.file, '/opt/airferry/compose/1.29.2-0123456789ab/docker-compose');
  assert.equal(v1.links, [{ path: '/usr/local/bin/docker-compose', target: v1.file }]);
  const v2 = composeRelease({ version: 'v2.29.7', digest });
  assert.is(v2.name, '2.29.7-0123456789ab');
  assert.equal(v2.links, [
    { path: '/usr/local/lib/docker/cli-plugins/docker-compose', target: v2.file },
    { path: '/usr/local/bin/docker-compose', target: v2.file },
  ]);
});

test('only links into our own tree are ours', () => {
  assert.ok(isOurs('/opt/airferry/current/bin/dockerd'));
  for (const target of [
    '/usr/bin/dockerd',
    '/opt/airferryx/bin',
    '/opt/airferry/../../usr/bin/dockerd',
    'current/bin/x',
    '',
  ])
    assert.not(isOurs(target));
});

test.run();
