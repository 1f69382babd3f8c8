import * as assert from 'uvu/assert';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { type FakeRegistry, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { failure, withRegistry } from './rig.ts';

const test = suite('lists');
const login = { username: 'u', password: 'p' };
const credentials = { kind: 'password', ...login } as const;
const entry = { mediaType: OCI_MANIFEST, bytes: Buffer.from('{}') };

function fill(registry: FakeRegistry): void {
  for (const name of ['a', 'plant/app', 'plant/web']) registry.manifests.set(name, new Map([['1', entry]]));
}

test(
  'repositories are listed page after page',
  withRegistry({ tagPage: 2 }, async ({ registry, client }) => {
    fill(registry);
    assert.equal(await Array.fromAsync(client.listRepositories()), ['a', 'plant/app', 'plant/web']);
    assert.is(registry.seen[0]?.query, '', 'n is not sent');
    assert.is(registry.seen.length, 2);
  }),
);

test(
  'the next page may be named by a whole address, under a name that only the registry knows',
  withRegistry({}, async ({ registry, client }) => {
    fill(registry);
    for (const origin of [registry.origin, 'http://registry.internal:5000'])
      registry.fault('GET', /_catalog$/, ({ res }) => {
        res.writeHead(200, { link: `<${origin}/v2/_catalog?last=a&n=1>; rel="next"` });
        res.end('{"repositories":["a"]}');
      });
    for (let n = 0; n < 2; n++) {
      registry.seen.length = 0;
      const all = await Array.fromAsync(client.listRepositories());
      assert.is(all[0], 'a');
      assert.ok(all.includes('plant/web'));
      assert.is(registry.seen[1]?.query, '?last=a&n=1');
    }
  }),
);

test(
  'the list of repositories asks for the right to it',
  withRegistry(
    { auth: 'bearer', login },
    async ({ registry, client }) => {
      fill(registry);
      assert.is((await Array.fromAsync(client.listRepositories())).length, 3);
      const query = registry.seen.find(({ path }) => path === '/token')?.query;
      assert.equal(new URLSearchParams(query).getAll('scope'), ['registry:catalog:*']);
    },
    { credentials },
  ),
);

test(
  'a registry that gives its list to nobody says so, with what to do',
  withRegistry(
    { auth: 'bearer', login, catalogForbidden: true },
    async ({ registry, client }) => {
      const list = Array.fromAsync(client.listRepositories());
      const error = await failure(list, 'REGISTRY_DENIED');
      assert.match(error.message, 'does not list its repositories');
      assert.match(error.suggestions.join(), `airferry registry list ${registry.address}/REPOSITORY`);
    },
    { credentials },
  ),
);

test(
  'null is an empty list of repositories, and what is no list is refused',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('GET', /_catalog/, status(200, '{"repositories":null}'));
    assert.equal(await Array.fromAsync(client.listRepositories()), []);
    registry.fault('GET', /_catalog/, status(200, '{"repositories":{}}'));
    await failure(Array.fromAsync(client.listRepositories()), 'REGISTRY_PROTOCOL');
  }),
);

test.run();
