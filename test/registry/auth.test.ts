import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Http } from '../../src/registry/http.ts';
import type { Credentials } from '../../src/registry/login.ts';
import { fetchToken } from '../../src/registry/token.ts';
import { type FakeRegistry, type Quirks, status } from '../support/fake-registry.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { collect, failure, type Rig, sample, withRegistry as withOpenRegistry } from './rig.ts';

const test = suite('auth');

const login = { username: 'robot$plant', password: 'pa:ss wörd' };
const credentials: Credentials = { kind: 'password', ...login };
const bearer: Quirks = { auth: 'bearer', login };

function withRegistry(
  quirks: Quirks,
  body: (rig: Rig) => Promise<void>,
  given: Credentials | undefined = credentials,
) {
  return withOpenRegistry(quirks, body, given ? { credentials: given } : {});
}

const tokens = (registry: FakeRegistry) => registry.seen.filter(({ path }) => path === '/token');
const scopes = (registry: FakeRegistry) =>
  tokens(registry).map(({ query }) => new URLSearchParams(query).getAll('scope').join(' '));

test(
  'a token is fetched once for a repository, whatever is done there',
  withRegistry(bearer, async ({ registry, client }) => {
    const blobs = [sample(10), sample(20), sample(30)];
    await Promise.all(blobs.map(blob => client.putBlob('plant/app', blob)));
    assert.is(await client.headManifest('plant/app', '1.0'), undefined);
    assert.equal(scopes(registry), ['repository:plant/app:pull,push']);
    assert.is(
      registry.seen.filter(({ headers }) => !headers.authorization).length,
      1,
      'requests without a login',
    );
    assert.is(new URLSearchParams(tokens(registry)[0]?.query).get('service'), 'fake, with a comma');
  }),
);

test(
  'a registry without a login costs no request more',
  withRegistry({}, async ({ registry, client }) => {
    await client.headManifest('plant/app', '1.0');
    assert.equal(registry.requests(), ['HEAD /v2/plant/app/manifests/1.0']);
  }),
);

test(
  'a mount asks for pull on its source, and that token serves on',
  withRegistry(bearer, async ({ registry, client }) => {
    const blob = sample(100);
    await client.putBlob('plant/a', blob);
    assert.is((await client.putBlob('plant/b', blob, { mountFrom: 'plant/a' })).how, 'mounted');
    await client.putBlob('plant/b', sample(10));
    assert.equal(scopes(registry), [
      'repository:plant/a:pull,push',
      'repository:plant/b:pull,push',
      'repository:plant/b:pull,push repository:plant/a:pull',
    ]);
  }),
);

for (const tokenField of ['token', 'access_token'] as const) {
  test(
    `a token is taken from ${tokenField}`,
    withRegistry({ ...bearer, tokenField }, async ({ client }) => {
      assert.is(await client.headManifest('plant/app', '1.0'), undefined);
    }),
  );
}

test(
  'a token is renewed before it runs out',
  withRegistry({ ...bearer, tokenSeconds: 1 }, async ({ registry, client }) => {
    for (let i = 0; i < 5; i++) {
      await client.headBlob('plant/app', sample(1).descriptor);
      await new Promise(resolve => setTimeout(resolve, 400));
    }
    assert.ok(tokens(registry).length >= 2, 'tokens were renewed');
    assert.is(registry.requests().length, 1 + 5, 'only the first request was ever refused');
  }),
);

test(
  'requests that come together for a new repository fetch one token',
  withRegistry(bearer, async ({ registry, client }) => {
    await client.headManifest('plant/app', '1.0');
    await Promise.all(['1', '2', '3'].map(tag => client.headManifest('plant/other', tag)));
    assert.is(tokens(registry).length, 2);
  }),
);

test(
  'a token that is refused before its time is replaced, for a request with a body too',
  withRegistry({ ...bearer, tokenSeconds: 3600 }, async ({ registry, client }) => {
    await client.headManifest('plant/app', '1.0');
    const blob = sample(200_000);
    registry.fault('PUT', /digest=/, status(401, '', { 'www-authenticate': 'Basic realm="harbor"' }));
    assert.is((await client.putBlob('plant/app', blob)).how, 'moved');
    assert.is(tokens(registry).length, 2);
    assert.equal(registry.blobs.get('plant/app')?.get(blob.descriptor.digest), blob.bytes);
    assert.is(registry.seen.filter(({ method }) => method === 'POST').length, 1, 'the upload went on');
  }),
);

test(
  'Harbor answers Basic to a failed request that bore a token: the token server stays known',
  withRegistry(bearer, async ({ registry, client }) => {
    await client.headManifest('plant/app', '1.0');
    const harbor = status(401, '', { 'www-authenticate': 'Basic realm="harbor"' });
    registry.fault('HEAD', /manifests/, harbor, 2);
    await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_DENIED');
    registry.fault('HEAD', /manifests/, harbor);
    assert.is(await client.headManifest('plant/app', '1.0'), undefined);
    assert.is(tokens(registry).length, 3);
    assert.match(registry.seen.at(-1)?.headers.authorization ?? '', /^Bearer /);
  }),
);

test(
  'an anonymous token will do where no login is stored',
  withOpenRegistry({ auth: 'bearer' }, async ({ client }) => {
    assert.is(await client.headManifest('plant/app', '1.0'), undefined);
  }),
);

test(
  'Basic is spoken where it is asked for',
  withRegistry({ auth: 'basic', login }, async ({ registry, client }) => {
    assert.is((await client.putBlob('plant/app', sample(10))).how, 'moved');
    const expected = `Basic ${Buffer.from('robot$plant:pa:ss wörd').toString('base64')}`;
    assert.is(registry.seen.at(-1)?.headers.authorization, expected);
  }),
);

test(
  'an identity token goes to the token server by POST and nowhere else',
  withRegistry(
    { ...bearer, identityToken: 'refresh-7' },
    async ({ registry, client }) => {
      assert.is(await client.headManifest('plant/app', '1.0'), undefined);
      assert.equal(
        tokens(registry).map(({ method, query }) => method + query),
        ['POST'],
      );
    },
    { kind: 'identity', token: 'refresh-7' },
  ),
);

test(
  'no login at all is told with the command that makes one',
  withOpenRegistry(bearer, async ({ registry, client }) => {
    const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_UNAUTHORIZED');
    assert.match(error.message, 'holds none');
    assert.equal(error.suggestions, [`Log in: airferry registry login ${registry.address}`]);
  }),
);

test(
  'a wrong password is told as that, with the trap of robot names, and tried once',
  withRegistry(
    bearer,
    async ({ registry, client }) => {
      const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_UNAUTHORIZED');
      assert.match(error.message, 'does not accept the user name and password of "robot$x"');
      assert.match(error.suggestions.join(), 'single quotes');
      assert.not.match(JSON.stringify(error) + error.message, 'wrong-secret');
      assert.is(tokens(registry).length, 1);
    },
    { kind: 'password', username: 'robot$x', password: 'wrong-secret' },
  ),
);

test(
  'a wrong password is told as that by Basic, too, and tried once',
  withRegistry(
    { auth: 'basic', login },
    async ({ registry, client }) => {
      await failure(client.putBlob('plant/app', sample(10)), 'REGISTRY_UNAUTHORIZED');
      assert.is(registry.seen.length, 2);
    },
    { kind: 'password', username: 'u', password: 'p' },
  ),
);

test(
  'a login without rights to the project is told as a project that may not exist',
  withRegistry({ ...bearer, projects: ['other'] }, async ({ client }) => {
    const error = await failure(client.putBlob('plant/app', sample(10)), 'REGISTRY_DENIED');
    assert.match(error.message, 'knows "robot$plant", but gives it no right to plant/app');
    assert.match(error.suggestions.join(), 'project "plant" must exist');
  }),
);

test(
  'a login is not sent in plain HTTP to a token server elsewhere',
  withRegistry({ ...bearer, realm: 'http://token.example.com/token' }, async ({ client }) => {
    const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_PROTOCOL');
    assert.match(error.message, 'plain HTTP to token.example.com');
  }),
);

test(
  'a realm that is no web address, or bears a login, is refused',
  withRegistry(bearer, async ({ registry, client }) => {
    for (const realm of ['file:///etc/passwd', 'https://u:p@example.com/', 'https://']) {
      registry.quirks.realm = realm;
      await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_PROTOCOL');
    }
  }),
);

test(
  'a kind of login that is unknown is named',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('HEAD', /manifests/, status(401, '', { 'www-authenticate': 'Negotiate' }));
    const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_PROTOCOL');
    assert.match(error.message, 'negotiate');
  }),
);

test(
  'answers of a token server that are no token are refused',
  withRegistry(bearer, async ({ registry, client }) => {
    for (const answer of ['', '[]', 'null', '{}', '{"token":7}', '{"token":"a\\r\\nX-Evil: 1"}', '<html>']) {
      registry.fault('GET', /^\/token/, status(200, answer));
      await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_PROTOCOL');
    }
  }),
);

test(
  'a token server that fails for a while is asked again',
  withRegistry(bearer, async ({ registry, client }) => {
    registry.fault('GET', /^\/token/, status(503), 2);
    assert.is(await client.headManifest('plant/app', '1.0'), undefined);
  }),
);

test('what is public can be read although the helper for logins is missing', async () => {
  const configFile = join(scratch(), 'config.json');
  writeFileSync(configFile, JSON.stringify({ credsStore: 'nowhere' }));
  const publicly = withOpenRegistry(
    {},
    async ({ registry, client }) => {
      const blob = sample(100);
      registry.blobs.set('plant/app', new Map([[blob.descriptor.digest, blob.bytes]]));
      assert.equal(await collect(client.getBlob('plant/app', blob.descriptor)), blob.bytes);
    },
    { configFile },
  );
  await publicly();
  const asked = withOpenRegistry(
    { auth: 'basic', login },
    async ({ client }) => {
      const error = await failure(client.headManifest('plant/app', '1.0'), 'CREDENTIALS_INVALID');
      assert.match(error.message, 'docker-credential-nowhere');
    },
    { configFile },
  );
  await asked();
});

test(
  'a token whose server does not say how long it lives is good for a minute',
  withOpenRegistry({ auth: 'bearer' }, async ({ registry }) => {
    const http = new Http({ origin: registry.origin, tlsFiles: async () => ({ cas: [], clients: [] }) });
    const request = { registry: 'hub', realm: new URL(`${registry.origin}/token`), service: undefined };
    const ask = () => fetchToken(http, { ...request, scopes: [], credentials: undefined });
    assert.is((await ask()).lifetimeMs, 60_000);
    registry.quirks.tokenSeconds = 5;
    assert.is((await ask()).lifetimeMs, 5_000);
    await http.close();
  }),
);

test(
  '401 after a fresh token is thrown, and not tried again',
  withRegistry(bearer, async ({ registry, client }) => {
    const refusal = status(401, '', { 'www-authenticate': `Bearer realm="${registry.origin}/token"` });
    registry.fault('GET', /manifests/, refusal, 99);
    await failure(client.getManifest('plant/app', '1.0'), 'REGISTRY_DENIED');
    assert.is(registry.requests().length, 2);
  }),
);

test.run();
