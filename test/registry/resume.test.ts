import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import type { RegistryClientOptions } from '../../src/registry/client.ts';
import { uploadsFolder } from '../../src/registry/upload-journal.ts';
import {
  delay,
  drop,
  dropAnswer,
  dropKeeping,
  errorBody,
  type FakeRegistry,
  type Fault,
  type Quirks,
  status,
} from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import {
  failure,
  clientFor as openClient,
  type Rig,
  sample,
  withRegistry as withPlainRegistry,
} from './rig.ts';

const test = suite('resume');
const REPOSITORY = 'plant/app';
const UNIT = 64 * 1024;
const CHUNKS = { from: 32 * UNIT, chunk: 64 * UNIT };
/** A chunk, and a little more. */
const blob = sample(70 * UNIT, UNIT - 7);
const { digest, size } = blob.descriptor;
let dir = '';

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-resume-'));
});
test.beforeEach(() => {
  blob.opened = 0;
  rmSync(dir, { recursive: true, force: true });
});
test.after(() => rmSync(dir, { recursive: true, force: true }));

const clientFor = (registry: FakeRegistry, options: Partial<RegistryClientOptions> = {}) =>
  openClient(registry, { chunks: CHUNKS, ...options });
const withRegistry = (
  quirks: Quirks,
  body: (rig: Rig) => Promise<void>,
  options: Partial<RegistryClientOptions> = {},
) => withPlainRegistry(quirks, body, { chunks: CHUNKS, ...options });

const patches = (registry: FakeRegistry) => registry.seen.filter(({ method }) => method === 'PATCH');
const sent = (registry: FakeRegistry) => registry.seen.reduce((sum, { bytes }) => sum + bytes, 0);
const count = (registry: FakeRegistry, method: string) =>
  registry.seen.filter(seen => seen.method === method).length;
const arrived = (registry: FakeRegistry) =>
  registry.blobs.get(REPOSITORY)?.get(digest)?.equals(blob.bytes) === true;
const noted = (): string[] => {
  try {
    return readdirSync(dir).map(name => join(dir, name));
  } catch {
    return [];
  }
};

/** Send the blob with a new client, and interrupt that once so many bytes have left the source. */
async function interrupted(
  registry: FakeRegistry,
  after: number,
  options: Partial<RegistryClientOptions> = {},
): Promise<void> {
  const controller = new AbortController();
  const client = clientFor(registry, { uploadsDir: dir, signal: controller.signal, ...options });
  let passed = 0;
  const open = async function* () {
    for await (const chunk of blob.open()) {
      passed += chunk.length;
      if (passed > after) controller.abort();
      yield chunk;
    }
  };
  await failure(client.putBlob(REPOSITORY, { descriptor: blob.descriptor, open }), 'INTERRUPTED');
  await client.close();
}

test('notes are kept where caches are', () => {
  assert.is(uploadsFolder({ XDG_CACHE_HOME: '/var/tmp/c' }), '/var/tmp/c/airferry/uploads');
  assert.match(uploadsFolder({ XDG_CACHE_HOME: 'relative' }), /\/\.cache\/airferry\/uploads$/);
});

test(
  'a large blob goes in chunks whose ranges include their ends, and a small one does not',
  withRegistry({}, async ({ registry, client }) => {
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.equal(
      patches(registry).map(({ headers }) => [headers['content-range'], headers['content-length']]),
      [
        [`0-${64 * UNIT - 1}`, `${64 * UNIT}`],
        [`${64 * UNIT}-${size - 1}`, `${6 * UNIT}`],
      ],
    );
    assert.is(registry.requests().length, 5);
    assert.is(blob.opened, 1);
    assert.ok(arrived(registry));
    await client.putBlob(REPOSITORY, sample(UNIT));
    assert.is(patches(registry).length, 2);
  }),
);

test(
  'a connection that drops in mid-chunk: only what the registry lacks is sent again',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('PATCH', /uploads/, dropKeeping(registry, 20 * UNIT));
    registry.fault('PATCH', /uploads/, dropKeeping(registry, 10 * UNIT));
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.ok(arrived(registry));
    assert.is(sent(registry), size);
    assert.is(blob.opened, 3);
    assert.is(count(registry, 'POST'), 1);
  }),
);

test(
  'the least length of chunks that a registry has named counts in the next run, too',
  withRegistry({ chunkMin: 20 * UNIT }, async ({ registry }) => {
    const chunks = { from: 32 * UNIT, chunk: 8 * UNIT };
    await interrupted(registry, 45 * UNIT, { chunks });
    const before = patches(registry).length;
    const client = clientFor(registry, { uploadsDir: dir, chunks });
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    await client.close();
    assert.ok(arrived(registry));
    assert.is(count(registry, 'POST'), 1, 'it went on with the upload');
    const lengths = patches(registry)
      .slice(before)
      .map(({ headers }) => Number(headers['content-length']));
    assert.ok(lengths.length > 1);
    for (const length of lengths.slice(0, -1)) assert.is(length, 20 * UNIT);
  }),
);

test(
  'a registry that gives up uploads which broke off gets the blob from its start',
  withRegistry({ doubtsOffsets: true }, async ({ registry, client }) => {
    registry.fault('PATCH', /uploads/, dropKeeping(registry, 20 * UNIT));
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.ok(arrived(registry));
    assert.is(count(registry, 'POST'), 2);
    assert.is(registry.uploads.size, 0);
  }),
);

test(
  'an answer that is lost costs no byte: of a chunk, or of the last request',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('PATCH', /uploads/, dropAnswer());
    registry.fault('PUT', /digest=/, dropAnswer());
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.is(sent(registry), size);
    assert.ok(arrived(registry));
  }),
);

test(
  'an interruption leaves a note that only its user can read, and the next run goes on',
  withRegistry({ auth: 'basic', login: { username: 'u', password: 'top-secret' } }, async ({ registry }) => {
    const login = { credentials: { kind: 'password', username: 'u', password: 'top-secret' } as const };
    await interrupted(registry, 66 * UNIT, login);
    const [file = ''] = noted();
    assert.is(statSync(file).mode & 0o777, 0o600);
    assert.is(statSync(dir).mode & 0o777, 0o700);
    assert.not.match(readFileSync(file, 'utf8'), /top-secret|dTp0b3A/);
    assert.is(registry.uploads.size, 1, 'the upload was left alone');
    const before = sent(registry);
    const client = clientFor(registry, { uploadsDir: dir, ...login });
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.ok(arrived(registry));
    assert.ok(sent(registry) - before <= 6 * UNIT, `${sent(registry) - before} bytes`);
    assert.is(count(registry, 'POST'), 1);
    assert.equal(noted(), []);
    await client.close();
  }),
);

test(
  'a run that fails for good leaves a note, too, unless the content is wrong',
  withRegistry({}, async ({ registry }) => {
    const client = clientFor(registry, { uploadsDir: dir });
    const second: Fault = (exchange, proceed) =>
      patches(registry).length === 1 ? proceed() : drop()(exchange, proceed);
    registry.fault('PATCH', /app/, second, 99);
    await failure(client.putBlob(REPOSITORY, blob), 'REGISTRY_UNREACHABLE');
    assert.is(noted().length, 1);
    const wrong = async function* () {
      yield blob.bytes;
      throw new AirferryError('DIGEST_MISMATCH', 'the source is another one');
    };
    const source = { descriptor: blob.descriptor, open: wrong };
    await failure(client.putBlob('plant/other', source), 'DIGEST_MISMATCH');
    assert.is(noted().length, 1, 'the one of before');
    assert.is(registry.uploads.size, 1);
    await client.close();
  }),
);

for (const [what, code] of [
  ['forgotten', 404],
  ['doubted', 416],
  ['denied', 403],
] as const) {
  test(
    `an upload that the registry has ${what} meanwhile is begun again`,
    withRegistry({}, async ({ registry }) => {
      await interrupted(registry, 66 * UNIT);
      registry.fault('GET', /uploads/, status(code));
      const client = clientFor(registry, { uploadsDir: dir });
      assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
      assert.ok(arrived(registry));
      assert.equal(noted(), []);
      assert.is(registry.uploads.size, 0);
      await client.close();
    }),
  );
}

test(
  'a blob that came by other ways meanwhile is not sent, and the old upload is given up',
  withRegistry({}, async ({ registry }) => {
    await interrupted(registry, 66 * UNIT);
    registry.blobs.set(REPOSITORY, new Map([[digest, blob.bytes]]));
    const client = clientFor(registry, { uploadsDir: dir });
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'present');
    assert.equal([noted().length, registry.uploads.size], [0, 0]);
    await client.close();
  }),
);

test(
  'what an earlier run sent wrong is sent again as a whole',
  withRegistry({}, async ({ registry }) => {
    await interrupted(registry, 66 * UNIT);
    const [upload] = registry.uploads.values();
    upload?.parts[0]?.fill(0);
    const client = clientFor(registry, { uploadsDir: dir });
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.ok(arrived(registry));
    await client.close();
  }),
);

for (const [whose, holder, taken] of [
  ['of a run that lives', { host: hostname(), pid: process.ppid }, false],
  ['of a run that was killed', { host: hostname(), pid: 2 ** 22 + 1 }, true],
  ['of another machine', { host: 'elsewhere', pid: 1 }, false],
] as const) {
  test(
    `an upload ${whose} is ${taken ? 'taken over' : 'left alone'}`,
    withRegistry({}, async ({ registry }) => {
      await interrupted(registry, 66 * UNIT);
      const [file = ''] = noted();
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), holder }));
      const client = clientFor(registry, { uploadsDir: dir });
      await client.putBlob(REPOSITORY, blob);
      assert.ok(arrived(registry));
      assert.is(count(registry, 'POST'), taken ? 1 : 2);
      await client.close();
    }),
  );
}

for (const [what, change] of [
  ['is damaged', () => '{"version":1,'],
  ['is of another size', (text: string) => text.replace(`"size":${size}`, '"size":1')],
  ['leads to no web address', (text: string) => text.replace('"location":"http', '"location":"file')],
  ['is a week old', (text: string) => text.replace(/"noted":\d+/, `"noted":${Date.now() - 7 * 864e5}`)],
] as const) {
  test(
    `a note that ${what} is passed over`,
    withRegistry({}, async ({ registry }) => {
      await interrupted(registry, 66 * UNIT);
      const [file = ''] = noted();
      writeFileSync(file, change(readFileSync(file, 'utf8')));
      const client = clientFor(registry, { uploadsDir: dir });
      assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
      assert.ok(arrived(registry));
      await client.close();
    }),
  );
}

test(
  'a note never leads from HTTPS to plain HTTP, nor carries a login elsewhere',
  withRegistry({}, async ({ registry: elsewhere }) => {
    const login = { username: 'u', password: 'p' };
    await withRegistry({ auth: 'basic', login }, async ({ registry }) => {
      const credentials = { kind: 'password', ...login } as const;
      await interrupted(registry, 66 * UNIT, { credentials });
      const [file = ''] = noted();
      writeFileSync(file, readFileSync(file, 'utf8').replace(registry.origin, elsewhere.origin));
      const client = clientFor(registry, { uploadsDir: dir, credentials });
      await client.putBlob(REPOSITORY, blob);
      for (const { headers } of elsewhere.seen) assert.is(headers.authorization, undefined);
      await client.close();
    })();
  }),
);

test(
  'a folder that cannot be written costs nothing but the note',
  withRegistry({}, async ({ registry }) => {
    const client = clientFor(registry, { uploadsDir: '/proc/version/uploads' });
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.ok(arrived(registry));
    await client.close();
  }),
);

for (const [what, fault] of [
  ['405', status(405)],
  ['UNSUPPORTED', status(400, errorBody('UNSUPPORTED'))],
  ['501', status(501)],
  ['a redirect', status(307, '', { location: '/elsewhere' })],
] as const) {
  test(
    `a registry that answers a chunk with ${what} gets whole blobs from then on`,
    withRegistry({}, async ({ registry, client }) => {
      registry.fault('PATCH', /./, fault, 99);
      assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
      assert.ok(arrived(registry));
      const [many] = [patches(registry).length];
      await client.putBlob('plant/other', blob);
      assert.is(patches(registry).length, many);
      assert.is(registry.uploads.size, 0);
    }),
  );
}

test(
  'a proxy that takes no large requests gets smaller chunks',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault(
      'PATCH',
      /uploads/,
      (exchange, proceed) =>
        Number(exchange.req.headers['content-length']) > 10 * UNIT
          ? status(413)(exchange, proceed)
          : proceed(),
      99,
    );
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.ok(arrived(registry));
    assert.is(patches(registry).length, 1 + 35);
  }),
);

test(
  'a registry that kept less of a chunk than it was sent gets the rest',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('PATCH', /uploads/, async ({ req, res, seen }) => {
      const parts = registry.uploads.get(seen.path.split('/').at(-1) ?? '')?.parts;
      let kept = 0;
      for await (const chunk of req) {
        if (kept < 30 * UNIT) parts?.push(chunk);
        if (kept < 30 * UNIT) kept += chunk.length;
        seen.bytes += chunk.length;
      }
      res.writeHead(202, { range: `0-${kept - 1}`, location: `${registry.origin}${seen.path}` }).end();
    });
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.ok(arrived(registry));
    assert.is(count(registry, 'POST'), 1);
  }),
);

test(
  'a token that runs out between two chunks is renewed',
  withRegistry(
    { auth: 'bearer', login: { username: 'u', password: 'p' }, tokenSeconds: 1 },
    async ({ registry, client }) => {
      registry.fault('PATCH', /uploads/, delay(1100));
      assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
      assert.ok(arrived(registry));
      assert.is(sent(registry), size, 'nothing was sent twice');
      assert.ok(registry.seen.filter(({ path }) => path === '/token').length >= 2);
    },
    { credentials: { kind: 'password', username: 'u', password: 'p' } },
  ),
);

test(
  'a token that is refused in mid-push is renewed, and the push goes on where it was',
  withRegistry(
    { auth: 'bearer', login: { username: 'u', password: 'p' } },
    async ({ registry, client }) => {
      const refusal = status(401, '', { 'www-authenticate': `Bearer realm="${registry.origin}/token"` });
      registry.fault(
        'PATCH',
        /uploads/,
        (exchange, proceed) => (patches(registry).length === 2 ? refusal(exchange, proceed) : proceed()),
        2,
      );
      assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
      assert.ok(arrived(registry));
      assert.is(count(registry, 'POST'), 1);
    },
    { credentials: { kind: 'password', username: 'u', password: 'p' } },
  ),
);

test(
  'two runs that send the same blob at once do not disturb each other',
  withRegistry({}, async ({ registry }) => {
    const clients = [1, 2].map(() => clientFor(registry, { uploadsDir: dir }));
    const results = await Promise.all(clients.map(client => client.putBlob(REPOSITORY, blob)));
    assert.equal(
      results.map(({ how }) => how),
      ['moved', 'moved'],
    );
    assert.ok(arrived(registry));
    assert.equal(noted(), []);
    await Promise.all(clients.map(client => client.close()));
  }),
);

test.run();
