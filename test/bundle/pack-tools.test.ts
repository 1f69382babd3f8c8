/** Tools and several platforms: from a publisher on this machine into a bundle, and what hosts of each platform get of it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../src/bundle/open.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { forPlatforms } from '../../src/config/recipe-platforms.ts';
import { readCargo, wantedFor } from '../../src/phases/wanted.ts';
import { elf, engineMembers, type Member, tgz } from '../engine/archives.ts';
import { refusal } from '../engine/expect.ts';
import { type Publisher, startPublisher } from '../support/publisher.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { create, refused } from './rig.ts';

const test = suite('bundle/pack-tools');
const ENGINE_BINARIES =
  'docker dockerd docker-init docker-proxy containerd ctr containerd-shim-runc-v2 runc'.split(' ');
const BOTH = 'platforms: [linux/amd64, linux/arm64]\n';
const HEAD = 'name: a\nversion: "1"\n';
let publisher: Publisher;
let dir = '';

const sums = (files: [string, Buffer][]): Buffer =>
  Buffer.from(
    files.map(([name, bytes]) => `${createHash('sha256').update(bytes).digest('hex')} *${name}\n`).join(''),
  );
const crictl = (platform: string): Promise<Buffer> => tgz([{ name: 'crictl', content: elf(platform, 3000) }]);
const script: Member = { name: 'containerd-rootless.sh', content: Buffer.from('#!/bin/sh\nexit 0\n') };
const licence: Member = { name: 'LICENSE', content: Buffer.from('Apache'), mode: 0o644 };

test.before(async () => {
  publisher = await startPublisher();
  dir = scratch();
  const put = (path: string, bytes: Buffer): unknown => publisher.files.set(path, bytes);
  const dd = '/dd/linux/static/stable';
  const [compose, buildx, cri, nerd] = [
    '/gh/docker/compose/releases/download/v2.29.7',
    '/gh/docker/buildx/releases/download/v0.17.1',
    '/gh/kubernetes-sigs/cri-tools/releases/download/v1.31.1',
    '/gh/containerd/nerdctl/releases/download/v1.7.7',
  ];
  const lists: [string, Buffer][][] = [[], []];
  for (const [platform, uname, go] of [
    ['linux/amd64', 'x86_64', 'amd64'],
    ['linux/arm64', 'aarch64', 'arm64'],
  ] as const) {
    put(`${dd}/${uname}/docker-28.5.2.tgz`, await tgz(engineMembers(ENGINE_BINARIES, platform)));
    put(
      `${dd}/${uname}/docker-rootless-extras-28.5.2.tgz`,
      await tgz([
        { name: 'docker-rootless-extras/', type: 'directory' },
        { name: 'docker-rootless-extras/rootlesskit', content: elf(platform, 2500) },
        { name: 'docker-rootless-extras/dockerd-rootless.sh', content: script.content as Buffer },
      ]),
    );
    const plugin = elf(platform, 2 ** 20 + 1);
    put(`${compose}/docker-compose-linux-${uname}`, plugin);
    put(`${compose}/docker-compose-linux-${uname}.sha256`, sums([[`docker-compose-linux-${uname}`, plugin]]));
    const tool = await crictl(platform);
    put(`${cri}/crictl-v1.31.1-linux-${go}.tar.gz`, tool);
    put(
      `${cri}/crictl-v1.31.1-linux-${go}.tar.gz.sha256`,
      Buffer.from(createHash('sha256').update(tool).digest('hex')),
    );
    const files = [
      [`buildx-v0.17.1.linux-${go}`, elf(platform, 2222), buildx],
      [
        `nerdctl-1.7.7-linux-${go}.tar.gz`,
        await tgz([{ name: 'nerdctl', content: elf(platform, 2600) }, script, licence]),
        nerd,
      ],
    ] as const;
    for (const [i, [name, bytes, folder]] of files.entries()) {
      put(`${folder}/${name}`, bytes);
      lists[i]?.push([name, bytes]);
    }
  }
  put(`${buildx}/checksums.txt`, sums(lists[0] ?? []));
  put(`${nerd}/SHA256SUMS`, sums(lists[1] ?? []));
});
test.after(() => publisher.close());

const mirrors = (): string =>
  `mirrors:\n  download.docker.com: ${publisher.origin}dd/\n  https://github.com/: ${publisher.origin}gh\n`;
const make = (text: string, options: Parameters<typeof create>[2] = {}) =>
  create(dir, HEAD + mirrors() + text, { fetch: { cache: join(dir, 'cache'), env: {} }, ...options });

const ALL = `${BOTH}engine: { version: 28.5.2 }
compose: { version: 2.29.7 }
tools:
  rootless-extras: {}
  buildx: { version: 0.17.1 }
  crictl: { version: 1.31.1 }
  nerdctl: { version: 1.7.7 }
`;

test('engine, compose and all tools of two platforms are fetched; a host gets those of its own', async () => {
  const { path, warnings, pinned } = await make(ALL);
  assert.equal(warnings, []);
  assert.is(pinned.length, 12);
  const bundle = Bundle.open(path);
  try {
    const cargo = await readCargo(bundle);
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      const wanted = wantedFor(cargo, { platform, images: false });
      const archive = bundle.manifest.engine?.archives.find(one => one.platform === platform);
      assert.is(wanted.engine?.archive.digest, archive?.digest);
      assert.is(
        wanted.compose?.binary.digest,
        bundle.manifest.compose?.binaries.find(one => one.platform === platform)?.digest,
      );
      assert.equal(
        wanted.files.map(({ path, mode }) => `${path} ${mode}`),
        [
          '/usr/local/lib/docker/cli-plugins/docker-buildx 0755',
          '/usr/local/bin/crictl 0755',
          '/usr/local/bin/nerdctl 0755',
          '/usr/local/bin/containerd-rootless.sh 0755',
          '/usr/local/bin/rootlesskit 0755',
          '/usr/local/bin/dockerd-rootless.sh 0755',
        ],
      );
      const own = bundle.manifest.files.filter(file => file.platform === platform);
      assert.equal(
        wanted.files.map(({ blob }) => blob.digest),
        own.map(({ digest }) => digest),
      );
    }
    assert.throws(
      () => wantedFor(cargo, { platform: 'linux/s390x', images: false }),
      /the bundle carries engine/,
    );
  } finally {
    bundle.close();
  }
});

test('what is packed is the same without a cache, and from the lock', async () => {
  const first = readFileSync((await make(ALL)).path);
  for (const fetch of [
    { cache: false, env: {} } as const,
    { cache: join(dir, 'cache'), env: {}, locked: true },
  ])
    assert.ok(readFileSync((await make(ALL, { fetch })).path).equals(first));
});

test('a recipe for one of its platforms', async () => {
  const whole = parseRecipe(HEAD + ALL, { file: join(dir, 'bundle.yaml') });
  const one = forPlatforms(whole, ['linux/arm64/v8']);
  assert.equal(one.platforms, ['linux/arm64']);
  for (const { sources } of [one.engine, one.compose, ...one.tools].flatMap(component => component ?? []))
    assert.equal(
      sources.map(({ platform }) => platform),
      ['linux/arm64'],
    );
  await refusal(() => forPlatforms(whole, ['linux/s390x']), 'PLATFORM_MISMATCH', /no platform linux\/s390x/);
  await refusal(() => forPlatforms(whole, ['x86']), 'PLATFORM_INVALID');
});

test('mirrors of the command line go before those of the environment, and these before the recipe', async () => {
  const text = 'tools: { crictl: { version: 1.31.1 } }\n';
  const wrong = 'http://127.0.0.1:1/';
  const github = `${publisher.origin}gh/`;
  const own = (env: Record<string, string>, to?: string) =>
    create(scratch(), `${HEAD}mirrors: { github.com: "${wrong}" }\n${text}`, {
      fetch: { cache: false, env, ...(to && { mirrors: [{ from: 'https://github.com/', to }] }) },
    });
  await own({ AIRFERRY_MIRROR_GITHUB_COM: github });
  await own({ AIRFERRY_MIRROR_GITHUB_COM: wrong }, github);
  await refused(() => own({}), 'DOWNLOAD_FAILED', /127\.0\.0\.1:1/);
  await refused(() => own({ AIRFERRY_MIRROR_GITLAB_COM: github }), 'USAGE', /for no publisher/);
});

const local = async (bytes: Buffer): Promise<string> => {
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(dir, 'tool'), bytes);
  return 'tools: { crictl: { version: 1.31.1, file: ./tool } }\n';
};

test('an archive of another machine, without the program, or hostile is refused', async () => {
  await refused(
    async () => make(await local(await crictl('linux/arm64'))),
    'PLATFORM_MISMATCH',
    /built for linux\/arm64/,
  );
  const bad: [Member[], RegExp][] = [
    [[licence], /holds no crictl/],
    [[{ name: '../crictl', content: elf('linux/amd64') }], /leads out of it/],
    [[{ name: '/usr/bin/crictl', content: elf('linux/amd64') }], /leads out of it/],
    [[{ name: 'crictl', type: 'symlink', linkname: '/etc/passwd' }], /no plain file/],
    [[{ name: 'crictl', content: elf('linux/amd64'), mode: 0o4755 }], /setuid/],
    [
      [
        { name: 'crictl', content: elf('linux/amd64') },
        { name: './crictl', content: elf('linux/amd64') },
      ],
      /twice/,
    ],
  ];
  for (const [members, message] of bad) {
    const error = await refused(
      async () => make(await local(await tgz(members))),
      'ARCHIVE_INVALID',
      message,
    );
    assert.is(error.where.line, 6);
  }
  await refused(async () => make(await local(Buffer.from('<!DOCTYPE html>'))), 'ARCHIVE_INVALID', /web page/);
  await refused(
    async () => make(await local((await crictl('linux/amd64')).subarray(0, 60))),
    'ARCHIVE_TRUNCATED',
  );
});

test('a file of the recipe at the place of a tool is refused', async () => {
  const text = await local(await crictl('linux/amd64'));
  await refused(
    () => make(`${text}files: [{ from: ./tool, to: /usr/local/bin/crictl }]\n`),
    'RECIPE_INVALID',
    /written by `files` and by `tools.crictl`/,
  );
});

test('a version, a platform and a tool that nobody publishes are refused at their place', async () => {
  await refusal(
    () => parseRecipe(`${HEAD}tools: { crictrl: {} }\n`, { file: 'b' }),
    'RECIPE_INVALID',
    /`tools.crictrl`/,
  );
  await refusal(
    () => parseRecipe(`${HEAD}tools: { crictl: { version: v1.31.1 } }\n`, { file: 'b' }),
    'RECIPE_INVALID',
    /tools.crictl.version/,
  );
  await refusal(
    () => parseRecipe(`${HEAD}tools: { rootless-extras: {} }\n`, { file: 'b' }),
    'RECIPE_INVALID',
    /needs a `version`/,
  );
  const error = await refused(
    () => make('platforms: [linux/s390x]\nengine: { version: 28.5.2 }\ntools: { rootless-extras: {} }\n'),
    'PLATFORM_INVALID',
    /rootless-extras 28.5.2 is not published for linux\/s390x/,
  );
  assert.ok(error.where.line);
});

test.run();
