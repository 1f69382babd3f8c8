import * as assert from 'uvu/assert';
import { chooseRuntime } from '../../../src/phases/runtimes/choose.ts';
import { failure, type Site, site } from '../../host/site.ts';
import { suite } from '../../support/suite.ts';

const test = suite('phases/runtimes/choose');

/** A host whose probe answers with these words. */
const host = (words: string): Promise<Site> =>
  site({ script: command => (command.includes('crictl') ? { stdout: words } : undefined) });

const cases: [words: string, chosen: string][] = [
  ['docker\ncontainerd\npodman\n', 'docker'],
  ['crio\npodman\ncrictl\n', 'CRI-O (by podman)'],
  ['crio\nskopeo\n', 'CRI-O (by skopeo)'],
  ['containerd\nnerdctl\npodman\n', 'containerd (namespace k8s.io)'],
  ['nerdctl\n', 'nerdctl (namespace k8s.io)'],
  ['podman\nskopeo\n', 'podman'],
];

for (const [words, chosen] of cases) {
  test(`a host with ${words.trim().replaceAll('\n', ', ')}: ${chosen}`, async () => {
    await using one = await host(words);
    assert.is((await chooseRuntime(one.shell, {})).title, chosen);
  });
}

test('a runtime that is named is taken without a question, in its namespace', async () => {
  await using one = await host('docker\n');
  const chosen = await chooseRuntime(one.shell, { runtime: 'containerd', namespace: 'moby' });
  assert.is(chosen.title, 'containerd (namespace moby)');
  assert.equal(one.server.commands, []);
});

test('CRI-O without podman or skopeo is refused, and it is said what is needed', async () => {
  await using one = await host('crio\ncrictl\n');
  const error = await failure(chooseRuntime(one.shell, {}), 'ENGINE_NOT_READY');
  assert.match(error.message, 'crictl cannot give them names');
  assert.match(error.suggestions.join('\n'), 'Install skopeo');
});

test('a host without any runtime is refused', async () => {
  await using one = await host('skopeo\n');
  await failure(chooseRuntime(one.shell, {}), 'ENGINE_NOT_READY');
});

test('the probe runs on a plain host: a stopped Docker is still found', async () => {
  await using one = await site();
  one.server.install('docker', '#!/bin/sh\nexit 1\n');
  one.server.install('dockerd', '#!/bin/sh\nexit 1\n');
  assert.is((await chooseRuntime(one.shell, {})).name, 'docker');
});

test.run();
