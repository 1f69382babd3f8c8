import * as assert from 'uvu/assert';
import type { Descriptor } from '../../src/content/descriptor.ts';
import { digestOf } from '../../src/content/digest.ts';
import { OCI_LAYER } from '../../src/content/media-types.ts';
import { parseReference } from '../../src/content/reference.ts';
import { prepareHarbor } from '../../src/transports/harbor-room.ts';
import { failure, sample, withRegistry } from '../registry/rig.ts';
import { asHarbor } from '../support/fake-harbor.ts';
import { suite } from '../support/suite.ts';

const test = suite('transports/harbor-room');
const MB = 1024 * 1024;
const NO = { createProjects: false };

function layer(size: number, name = 'layer'): Descriptor {
  return { mediaType: OCI_LAYER, digest: digestOf(name), size };
}

function to(registry: string, ...names: string[]) {
  return names.map(name => parseReference(`${registry}/${name}`));
}

test(
  'little is sent without a question',
  withRegistry({}, async ({ registry, client }) => {
    asHarbor(registry, {});
    const homes = to(registry.address, 'plant/app:1');
    await prepareHarbor(client, [{ descriptor: layer(MB), homes }], NO);
    assert.is(registry.seen.length, 0);
  }),
);

test(
  'much is not sent to a project without room, and nothing is before that is known',
  withRegistry({}, async ({ registry, client }) => {
    asHarbor(registry, { plant: { hard: 200 * MB, used: 150 * MB } });
    const homes = to(registry.address, 'plant/app:1');
    const error = await failure(
      prepareHarbor(client, [{ descriptor: layer(100 * MB), homes }], NO),
      'REGISTRY_DENIED',
    );
    assert.match(error.message, 'no room in the project "plant"');
    assert.not.ok(registry.seen.some(({ method }) => method === 'POST'));
  }),
);

test(
  'what is there already takes no room',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(1000);
    await client.putBlob('plant/app', blob);
    asHarbor(registry, { plant: { hard: 200 * MB, used: 200 * MB - 500 } });
    const homes = to(registry.address, 'plant/app:1');
    const large = { descriptor: layer(100 * MB), homes };
    await failure(
      prepareHarbor(client, [{ descriptor: blob.descriptor, homes }, large], NO),
      'REGISTRY_DENIED',
    );
    const plenty = { createProjects: true };
    await prepareHarbor(client, [{ descriptor: blob.descriptor, homes }], plenty);
  }),
);

test(
  'of what is compressed on the way it is known that it takes some room',
  withRegistry({}, async ({ registry, client }) => {
    const harbor = asHarbor(registry, { plant: { hard: 200 * MB, used: 199 * MB } });
    const arrivals = [{ plain: 100 * MB, homes: to(registry.address, 'plant/app:1') }];
    await prepareHarbor(client, arrivals, NO);
    harbor.projects.set('plant', { hard: 200 * MB, used: 200 * MB });
    const error = await failure(prepareHarbor(client, arrivals, NO), 'REGISTRY_DENIED');
    assert.match(error.message, /no room in the project "plant": (\S+ MB) of \1 are used$/);
  }),
);

test(
  'one blob for several repositories of a project counts once, and each project is asked',
  withRegistry({}, async ({ registry, client }) => {
    asHarbor(registry, { one: { hard: 110 * MB, used: 0 }, two: { hard: 90 * MB, used: 0 } });
    const descriptor = layer(100 * MB);
    await prepareHarbor(client, [{ descriptor, homes: to(registry.address, 'one/a:1', 'one/b:1') }], NO);
    const error = await failure(
      prepareHarbor(client, [{ descriptor, homes: to(registry.address, 'one/a:1', 'two/a:1') }], NO),
      'REGISTRY_DENIED',
    );
    assert.match(error.message, '"two"');
  }),
);

test(
  'a missing project is made where that is asked for, however little is sent',
  withRegistry({}, async ({ registry, client }) => {
    const harbor = asHarbor(registry, {});
    const homes = to(registry.address, 'plant/app:1');
    await prepareHarbor(client, [{ descriptor: layer(10), homes }], { createProjects: true });
    assert.ok(harbor.projects.has('plant'));
  }),
);

test(
  'a registry that is no Harbor is not asked for projects',
  withRegistry({}, async ({ registry, client }) => {
    const homes = to(registry.address, 'plant/app:1');
    await prepareHarbor(client, [{ descriptor: layer(100 * MB), homes }], NO);
    assert.not.ok(registry.seen.some(({ path }) => path.includes('projects')));
  }),
);

test.run();
