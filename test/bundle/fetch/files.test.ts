/** Files of publishers: cache, checksums, mirrors, the lock; against a publisher on this machine. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Cache } from '../../../src/bundle/fetch/cache.ts';
import { type FilesOptions, PublishedFiles } from '../../../src/bundle/fetch/files.ts';
import { wantedFiles } from '../../../src/bundle/fetch/wanted-files.ts';
import { Lock } from '../../../src/config/lock.ts';
import { parseRecipe } from '../../../src/config/recipe.ts';
import { digestOf } from '../../../src/content/digest.ts';
import { Meter } from '../../../src/support/meter.ts';
import { refusal } from '../../engine/expect.ts';
import { failure } from '../../registry/rig.ts';
import { noise } from '../../support/archives.ts';
import { type Publisher, serve, startPublisher } from '../../support/publisher.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';

const test = suite('bundle/fetch/files');
const ENGINE = '/dd/linux/static/stable/x86_64/docker-28.5.2.tgz';
const COMPOSE = '/gh/docker/compose/releases/download/v2.29.7/docker-compose-linux-x86_64';
const BUILDX = '/gh/docker/buildx/releases/download/v0.17.1/buildx-v0.17.1.linux-amd64';
const [engine, compose, buildx] = [noise(400_000, 1), noise(50_000, 2), noise(40_000, 3)];
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const ENGINE_URL = 'https://download.docker.com/linux/static/stable/x86_64/docker-28.5.2.tgz';

const RECIPE = `name: a
version: "1"
engine: { version: 28.5.2 }
compose: { version: 2.29.7 }
tools:
  buildx: { version: 0.17.1 }
`;

interface Site {
  publisher: Publisher;
  dir: string;
  cache: Cache;
  /** Fetch all, and give back the content by name. */
  run(
    options?: Partial<FilesOptions>,
    recipe?: string,
  ): Promise<{ files: Map<string, Buffer>; meter: Meter; warnings: string[]; lock: Lock }>;
}

function onSite(body: (site: Site) => Promise<void>) {
  return async () => {
    const publisher = await startPublisher();
    const dir = scratch();
    const cache = new Cache(join(scratch(), 'airferry'));
    publisher.files.set(ENGINE, engine);
    publisher.files.set(COMPOSE, compose);
    publisher.files.set(
      `${COMPOSE}.sha256`,
      Buffer.from(`${sha256(compose)} *docker-compose-linux-x86_64\n`),
    );
    publisher.files.set(BUILDX, buildx);
    publisher.files.set(
      BUILDX.replace(/[^/]+$/, 'checksums.txt'),
      Buffer.from(
        `${sha256(engine)} *buildx-v0.17.1.linux-arm64\n${sha256(buildx)} *buildx-v0.17.1.linux-amd64\n`,
      ),
    );
    try {
      await body({
        publisher,
        dir,
        cache,
        async run(options = {}, text = RECIPE) {
          const recipe = parseRecipe(text, { file: join(dir, 'bundle.yaml') });
          const meter = new Meter();
          const lock = options.lock ?? (await Lock.beside(recipe.file));
          const mirrors = [
            [
              { from: 'https://download.docker.com/', to: `${publisher.origin}dd/` },
              { from: 'https://github.com/', to: `${publisher.origin}gh/` },
            ],
          ];
          const published = new PublishedFiles({
            ...{ recipe, lock, locked: false, mirrors, cache, meter },
            ...{ retry: { baseMs: 1, attempts: 3 }, ...options },
          });
          const wanted = await wantedFiles(recipe);
          await published.fetch(wanted);
          const files = new Map<string, Buffer>();
          for (const file of wanted)
            files.set(file.component, Buffer.concat(await Array.fromAsync(published.open(file))));
          return { files, meter, warnings: published.warnings, lock };
        },
      });
    } finally {
      await publisher.close();
    }
  };
}

const gets = ({ seen }: Publisher, file: string): string[] =>
  seen.filter(line => line.includes(file) && !line.includes('sha256'));

test(
  'engine, compose and tools come from their mirrors, are checked, pinned and counted',
  onSite(async ({ publisher, run }) => {
    const { files, meter, warnings, lock } = await run();
    assert.ok(files.get('engine')?.equals(engine));
    assert.ok(files.get('compose')?.equals(compose));
    assert.ok(files.get('buildx')?.equals(buildx));
    assert.equal(warnings, []);
    assert.is(lock.digestOf(ENGINE_URL), digestOf(engine));
    assert.is(lock.names('downloads').length, 3);
    const bytes = engine.length + compose.length + buildx.length;
    assert.equal([meter.progress.done, meter.progress.total], [bytes, bytes]);
    assert.is(publisher.seen.length, 5);
  }),
);

test(
  'a file of the recipe with an address is fetched, checked against its digest, and pinned without one',
  onSite(async ({ publisher, run }) => {
    const installer = noise(30_000, 4);
    publisher.files.set('/gh/goharbor/harbor/harbor.tgz', installer);
    const url = 'https://github.com/goharbor/harbor/harbor.tgz';
    const recipe = (more = ''): string =>
      `name: a\nversion: "1"\nfiles: [{ url: "${url}", to: /opt/harbor.tgz${more} }]\n`;
    const { files, lock } = await run({}, recipe());
    assert.ok(files.get('files')?.equals(installer));
    assert.is(lock.digestOf(url), digestOf(installer));
    await run({}, recipe(`, sha256: ${sha256(installer)}`));
    await failure(run({}, recipe(`, sha256: ${sha256(engine)}`)), 'DIGEST_MISMATCH');
  }),
);

test(
  'four files are fetched at once, and no more',
  onSite(async ({ publisher, run }) => {
    let [now, most] = [0, 0];
    const names = Array.from({ length: 9 }, (_, i) => `/gh/many/${i}.bin`);
    for (const [i, name] of names.entries()) {
      publisher.files.set(name, noise(1000, i + 10));
      publisher.fault(new RegExp(`${name}$`), (req, res) => {
        most = Math.max(most, ++now);
        res.on('close', () => now--);
        setTimeout(() => serve(publisher, name)(req, res), 150);
      });
    }
    const list = names.map((_, i) => `{ url: "https://github.com/many/${i}.bin", to: /opt/${i} }`);
    const { lock } = await run({}, `name: a\nversion: "1"\nfiles: [${list.join(', ')}]\n`);
    assert.is(lock.names('downloads').length, 9);
    assert.is(most, 4);
  }),
);

test(
  'the second run fetches nothing; not even without a lock, as long as the publisher has the same',
  onSite(async ({ publisher, run }) => {
    const { lock } = await run();
    publisher.seen.length = 0;
    await run({ lock });
    assert.equal(publisher.seen, []);
    const { files } = await run();
    assert.ok(files.get('engine')?.equals(engine));
    assert.is(publisher.seen.length, 3, 'two lists of checksums, and whether the engine is still the same');
    publisher.files.set(ENGINE, noise(400_000, 9));
    const { files: others } = await run();
    assert.not(others.get('engine')?.equals(engine));
  }),
);

test(
  'a download that broke off in an earlier run goes on there',
  onSite(async ({ publisher, cache, run }) => {
    publisher.fault(
      /docker-28/,
      serve(publisher, ENGINE, 150_000),
      ...Array.from({ length: 2 }, () => (_: unknown, res: { destroy(): void }) => res.destroy()),
    );
    await refusal(() => run(), 'DOWNLOAD_FAILED', /docker-28\.5\.2\.tgz failed/);
    const parts = readdirSync(join(cache.folder, 'downloads')).filter(name => name.endsWith('.part'));
    assert.is(parts.length, 1);
    assert.is(statSync(join(cache.folder, 'downloads', parts[0] ?? '')).mode & 0o777, 0o600);
    publisher.seen.length = 0;
    const { files } = await run();
    assert.ok(files.get('engine')?.equals(engine));
    assert.is(gets(publisher, 'docker-28').length, 1);
    assert.match(gets(publisher, 'docker-28')[0] ?? '', /bytes=[1-9]\d*-$/);
    assert.equal(
      readdirSync(join(cache.folder, 'downloads')).filter(name => !name.endsWith('.json')),
      [],
    );
  }),
);

test(
  'a part whose file has changed meanwhile is begun anew',
  onSite(async ({ publisher, run }) => {
    publisher.fault(
      /docker-28/,
      serve(publisher, ENGINE, 150_000),
      ...Array.from({ length: 2 }, () => (_: unknown, res: { destroy(): void }) => res.destroy()),
    );
    await refusal(() => run(), 'DOWNLOAD_FAILED');
    const other = noise(380_000, 7);
    publisher.files.set(ENGINE, other);
    const { files } = await run();
    assert.ok(files.get('engine')?.equals(other));
  }),
);

test(
  'two runs at once on one cache both get what they want, and fetch it once',
  onSite(async ({ publisher, run }) => {
    const both = await Promise.all([run(), run(), run()]);
    for (const { files } of both) assert.ok(files.get('engine')?.equals(engine));
    const whole = gets(publisher, 'docker-28');
    assert.ok(whole.length >= 1 && whole.length <= 3);
  }),
);

test(
  'a file that changed under its pin is refused: which, where, expected, got',
  onSite(async ({ publisher, dir, cache, run }) => {
    const { lock } = await run();
    await lock.save();
    publisher.files.set(ENGINE, noise(400_000, 9));
    for (const other of [new Cache(join(scratch(), 'new')), undefined]) {
      const error = await refusal(
        () => run({ cache: other }),
        'DIGEST_MISMATCH',
        `expected ${digestOf(engine)}, got sha256:`,
      );
      assert.match(error.message, /docker-28\.5\.2\.tgz is not what .*bundle\.lock\.yaml says/);
      assert.match(error.message, publisher.origin);
      assert.match(error.suggestions.join(' '), /airferry bundle update docker-28\.5\.2\.tgz/);
    }
    assert.ok(
      (await run({ cache })).files.get('engine')?.equals(engine),
      'the cache still has what is pinned',
    );
    assert.ok(existsSync(join(dir, 'bundle.lock.yaml')));
  }),
);

test(
  "a file that is not what its publisher's checksum says is refused, and not pinned",
  onSite(async ({ publisher, run, dir }) => {
    publisher.files.set(BUILDX, noise(40_000, 8));
    const lock = await Lock.beside(join(dir, 'bundle.yaml'));
    for (const cache of [new Cache(join(scratch(), 'new')), undefined])
      await refusal(
        () => run({ lock, cache }),
        'DIGEST_MISMATCH',
        /buildx-v0\.17\.1\.linux-amd64 is not what its publisher says/,
      );
    assert.not(lock.names('downloads').some(url => url.includes('buildx')));
  }),
);

test(
  'a publisher whose list of checksums is gone is told of; one whose list lacks the file is refused',
  onSite(async ({ publisher, run }) => {
    const list = BUILDX.replace(/[^/]+$/, 'checksums.txt');
    publisher.files.set(list, Buffer.from(`${sha256(engine)} *other\n`));
    await refusal(() => run(), 'DOWNLOAD_FAILED', /gave no checksum of buildx/);
    publisher.files.delete(list);
    const { warnings } = await run();
    assert.match(warnings.join(), /checksums\.txt is not there/);
  }),
);

test(
  '--locked names every file that the lock does not have, and asks nobody',
  onSite(async ({ publisher, run }) => {
    const error = await refusal(
      () => run({ locked: true }),
      'LOCK_INCOMPLETE',
      /engine 28\.5\.2 for linux\/amd64 \(https:/,
    );
    assert.match(error.message, /buildx 0\.17\.1/);
    assert.equal(publisher.seen, []);
  }),
);

test(
  'what the recipe says of an address goes before the lock, and is not put into it',
  onSite(async ({ publisher, run, dir }) => {
    const lock = await Lock.beside(join(dir, 'bundle.yaml'));
    const url = 'https://download.docker.com/own.tgz';
    lock.pin(url, digestOf('old'));
    publisher.files.set('/dd/own.tgz', engine);
    const recipe = (digest: string): string =>
      `name: a\nversion: "1"\nengine: { version: 28.5.2, url: "${url}", sha256: ${digest} }\n`;
    const { files } = await run({ lock }, recipe(sha256(engine)));
    assert.ok(files.get('engine')?.equals(engine));
    assert.is(lock.digestOf(url), digestOf('old'));
    const error = await refusal(
      () => run({ lock }, recipe(sha256(compose))),
      'DIGEST_MISMATCH',
      /what the recipe says/,
    );
    assert.is(error.where.line, 3);
  }),
);

test(
  'a copy in the cache that was damaged is fetched anew',
  onSite(async ({ cache, run }) => {
    const { lock } = await run();
    writeFileSync(cache.blobPath(digestOf(engine)), noise(400_000, 4));
    const { files } = await run({ lock });
    assert.ok(files.get('engine')?.equals(engine));
  }),
);

test(
  'a web page in place of a file is not kept',
  onSite(async ({ publisher, cache, run }) => {
    publisher.files.set(ENGINE, Buffer.from('<!DOCTYPE html><html>log in</html>'));
    await refusal(() => run(), 'DOWNLOAD_FAILED', /web page/);
    assert.not(await cache.sizeOf(digestOf('<!DOCTYPE html><html>log in</html>')));
    publisher.files.set(ENGINE, engine);
    assert.ok((await run()).files.get('engine')?.equals(engine));
  }),
);

test(
  'a cache that cannot be written is an error that names it',
  onSite(async ({ dir, run }) => {
    writeFileSync(join(dir, 'file'), '');
    await refusal(
      () => run({ cache: new Cache(join(dir, 'file')) }),
      'FILE_UNWRITABLE',
      /no such folder|file/,
    );
  }),
);

test('from https there is no way down to http', async () => {
  const dir = scratch();
  const certificate = join(dir, 'certs');
  mkdirSync(certificate);
  const file = (name: string): string => join(certificate, name);
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
      .concat(['-subj', '/CN=publisher', '-addext', 'subjectAltName=IP:127.0.0.1'])
      .concat(['-keyout', file('key'), '-out', file('crt')]),
    { stdio: 'ignore' },
  );
  const publisher = await startPublisher({ key: readFileSync(file('key')), cert: readFileSync(file('crt')) });
  publisher.fault(/x/, (_, res) => void res.writeHead(302, { location: 'http://127.0.0.1:1/x.tgz' }).end());
  try {
    const script = `import { transfer } from '${new URL('../../../src/bundle/fetch/transfer.ts', import.meta.url)}';
      try { for await (const _ of transfer('${publisher.origin}x.tgz')); } catch (error) { console.log(error.code, error.message); }`;
    const said = await new Promise<string>((resolve, reject) => {
      import('node:child_process').then(({ execFile }) =>
        execFile(
          process.execPath,
          ['--input-type=module', '-e', script],
          { env: { ...process.env, NODE_EXTRA_CA_CERTS: file('crt') } },
          (error, stdout) => (error ? reject(error) : resolve(stdout)),
        ),
      );
    });
    assert.match(said, /DOWNLOAD_FAILED .*redirects from HTTPS down to plain HTTP/);
  } finally {
    await publisher.close();
  }
});

test.run();
