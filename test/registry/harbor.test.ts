import * as assert from 'uvu/assert';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { registryTarget } from '../../src/transports/registry.ts';
import { asHarbor } from '../support/fake-harbor.ts';
import { drop, errorBody, status, webPage } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { failure, sample, withRegistry } from './rig.ts';

const test = suite('harbor');
const credentials = { kind: 'password', username: 'robot$plant+ci', password: 'pw' } as const;
const MB = 1_000_000;

test(
  'Harbor is known by its system information, or by its ping, and nothing else is taken for it',
  withRegistry({}, async ({ registry, client }) => {
    assert.is(await client.harbor(), undefined);
    registry.fault('GET', /systeminfo/, webPage(200));
    assert.is(await client.harbor(), undefined);
    const harbor = asHarbor(registry);
    assert.ok(await client.harbor());
    harbor.pingOnly = true;
    assert.ok(await client.harbor());
  }),
);

for (const [what, fault] of Object.entries({
  'that is busy': status(503, ''),
  'that limits requests': status(429, ''),
  'that drops a connection': drop(),
})) {
  test(
    `a Harbor ${what} is asked again before it is taken for none`,
    withRegistry({}, async ({ registry, client }) => {
      registry.fault('GET', /systeminfo/, fault);
      registry.fault('GET', /projects\/plant$/, fault);
      asHarbor(registry, { plant: { hard: 100 * MB, used: 99 * MB } });
      const found = await client.harbor();
      const full = await failure(
        found?.prepare('plant', { create: false, bytes: 2 * MB }) as Promise<unknown>,
        'REGISTRY_DENIED',
      );
      assert.match(full.message, 'has no room');
      const asked = registry.requests().filter(line => /systeminfo|plant$/.test(line));
      assert.is(asked.length, 4, asked.join('\n'));
    }),
  );
}

test(
  'a Harbor that stays busy is taken for none in the end, and the push goes on',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('GET', /systeminfo|ping/, status(503, ''), 6);
    asHarbor(registry);
    assert.is(await client.harbor(), undefined);
    assert.ok(await client.harbor());
  }),
);

test(
  'a missing project is created when that is asked for, with the login of the registry',
  withRegistry(
    {},
    async ({ registry, client }) => {
      const fake = asHarbor(registry);
      const harbor = await client.harbor();
      const missing = await failure(
        harbor?.prepare('plant', { create: false, bytes: 1 }) as Promise<unknown>,
        'REGISTRY_NOT_FOUND',
      );
      assert.match(missing.message, 'has no project "plant"');
      assert.match(missing.suggestions.join(), '--create-projects');
      assert.is(await harbor?.prepare('plant', { create: true, bytes: 1 }), 'created');
      assert.is(await harbor?.prepare('plant', { create: true, bytes: 1 }), 'present');
      assert.is(await harbor?.createProject('plant'), 'present');
      assert.ok(fake.projects.has('plant'));
      const basic = `Basic ${Buffer.from('robot$plant+ci:pw').toString('base64')}`;
      assert.is(registry.seen.at(-1)?.headers.authorization, basic);
    },
    { credentials },
  ),
);

test(
  'a login that may not create projects is told so',
  withRegistry({}, async ({ registry, client }) => {
    for (const code of [401, 403]) {
      asHarbor(registry).refuseCreation = code;
      const harbor = await client.harbor();
      const creation = harbor?.prepare('plant', { create: true, bytes: 1 }) as Promise<unknown>;
      const error = await failure(creation, 'REGISTRY_DENIED');
      assert.match(error.suggestions.join(), 'may not create projects');
    }
  }),
);

test(
  'a quota that is too small, and a proxy cache, are seen before anything is sent',
  withRegistry({}, async ({ registry, client }) => {
    asHarbor(registry, {
      full: { hard: 100 * MB, used: 90 * MB },
      free: { hard: -1, used: 90 * MB },
      hub: { registryId: 3 },
      hidden: { refusal: 403 },
    });
    const harbor = await client.harbor();
    assert.ok(harbor);
    const full = await failure(harbor.prepare('full', { create: true, bytes: 20 * MB }), 'REGISTRY_DENIED');
    assert.match(full.message, '90.0 MB of 100 MB are used, and 20.0 MB are to be sent');
    assert.match(full.suggestions.join(), 'Raise the quota of "full"');
    assert.is(await harbor.prepare('full', { create: false, bytes: 10 * MB }), 'present');
    assert.is(await harbor.prepare('free', { create: false, bytes: 1e15 }), 'present');
    assert.is(await harbor.prepare('hidden', { create: false, bytes: 1 }), 'present');
    const proxy = await failure(harbor.prepare('hub', { create: true, bytes: 1 }), 'REGISTRY_DENIED');
    assert.match(proxy.message, 'it is a proxy cache');
    assert.is(registry.blobs.size, 0);
  }),
);

for (const [what, project, readOnly, code, message] of [
  ['a missing project', undefined, false, 'REGISTRY_NOT_FOUND', 'has no project "plant"'],
  ['a quota that is used up', { hard: MB, used: MB }, false, 'REGISTRY_DENIED', 'has no room'],
  ['a proxy cache', { registryId: 1 }, false, 'REGISTRY_DENIED', 'proxy cache'],
  ['read-only mode', {}, true, 'REGISTRY_DENIED', 'is in read-only mode'],
  ['nothing that Harbor tells of', {}, false, 'REGISTRY_DENIED', 'because I say so'],
] as const) {
  test(
    `a push that is refused for ${what} is explained`,
    withRegistry({}, async ({ registry, client }) => {
      const harbor = asHarbor(registry, project ? { plant: project } : {});
      harbor.readOnly = readOnly;
      registry.fault('POST', /uploads/, status(403, errorBody('DENIED', 'because I say so')), 9);
      const name = { registry: registry.address, repository: 'plant/app', tag: '1.0' };
      const error = await failure(registryTarget(client).putBlob(sample(10), name), code);
      assert.match(error.message, message);
    }),
  );
}

test(
  'no question is put to a registry whose push succeeds, and one that is no Harbor keeps its refusal',
  withRegistry({}, async ({ registry, client }) => {
    const name = { registry: registry.address, repository: 'plant/app', tag: '1.0' };
    await registryTarget(client).putBlob(sample(10), name);
    assert.not(registry.requests().some(request => request.includes('/api/')));
    registry.fault('POST', /uploads/, status(403, errorBody('DENIED', 'because I say so')));
    const error = await failure(registryTarget(client).putBlob(sample(20), name), 'REGISTRY_DENIED');
    assert.match(error.message, 'because I say so');
  }),
);

test(
  'an immutable tag, a push into a proxy cache and a policy against pulling are told apart',
  withRegistry({}, async ({ registry, client }) => {
    const put = () => client.putManifest('plant/app', '1.0', OCI_MANIFEST, Buffer.from('{}'));
    registry.fault('PUT', /manifests/, status(412, errorBody('PRECONDITION', 'configured as immutable')));
    assert.match((await failure(put(), 'REGISTRY_DENIED')).suggestions.join(), 'push under another tag');
    registry.fault(
      'PUT',
      /manifests/,
      status(405, errorBody('DENIED', 'can not push artifact to a proxy project')),
    );
    assert.match((await failure(put(), 'REGISTRY_DENIED')).suggestions.join(), 'proxy-cache project');
    registry.fault('GET', /manifests/, status(412, errorBody('PROJECTPOLICYVIOLATION', 'vulnerable')));
    const pull = await failure(client.getManifest('plant/app', '1.0'), 'REGISTRY_DENIED');
    assert.match(pull.suggestions.join(), 'policy');
  }),
);

test(
  'repositories are listed page after page, all of them or those of a project',
  withRegistry({}, async ({ registry, client }) => {
    const names = Array.from({ length: 230 }, (_, i) => `plant/app-${i}`);
    asHarbor(registry, { plant: { repositories: names }, other: { repositories: ['other/x'] } });
    const harbor = await client.harbor();
    assert.ok(harbor);
    assert.equal(await Array.fromAsync(harbor.repositories('plant')), names);
    assert.is((await Array.fromAsync(harbor.repositories())).length, 231);
    const error = await failure(Array.fromAsync(harbor.repositories('none')), 'REGISTRY_NOT_FOUND');
    assert.match(error.message, 'none');
  }),
);

test.run();
