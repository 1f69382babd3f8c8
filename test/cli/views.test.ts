import * as assert from 'uvu/assert';
import type { HostResult, HostStatus } from '../../src/actions/host-results.ts';
import type { BundleInspection } from '../../src/bundle/inspect.ts';
import { createdView, verifiedView } from '../../src/cli/views/bundle.ts';
import { bundleReport } from '../../src/cli/views/bundle-inspect.ts';
import { copiedView, referrersWarning, unnamedWarning } from '../../src/cli/views/copied.ts';
import { checkView } from '../../src/cli/views/host-check.ts';
import { statusView } from '../../src/cli/views/host-status.ts';
import { hostsView } from '../../src/cli/views/hosts.ts';
import { imageListView } from '../../src/cli/views/images.ts';
import type { Digest } from '../../src/content/digest.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';
import { plainLook, widest } from './look.ts';

const test = suite('views');
const DIGEST = `sha256:${'ab'.repeat(32)}` as Digest;
const NONE = { blobs: 0, bytes: 0 };

function host(over: Partial<HostResult> & { name: string }): HostResult {
  return {
    address: `ops@${over.name}`,
    outcome: 'changed',
    changes: [],
    findings: [],
    durationMs: 1500,
    ...over,
  };
}

test('a bundle that was made says what it holds', () => {
  const lines = createdView(
    {
      path: 'site.tar',
      name: 'plant-7',
      version: '2026.11',
      digest: DIGEST,
      size: 430e6,
      blobs: 27,
      images: ['nginx:1.25'],
      inputBytes: 914e6,
      pinned: [],
      warnings: [],
    },
    plainLook(),
  );
  assert.equal(lines, [
    '✔ site.tar holds plant-7 2026.11',
    '  size     430 MB, out of 914 MB of inputs',
    '  content  1 image, 27 blobs',
    `  ${DIGEST}`,
  ]);
});

test('a damaged bundle names the blob, its offset and what needs it', () => {
  const report = {
    path: 'site.tar',
    name: 'plant-7',
    version: '1',
    digest: DIGEST,
    size: 1000,
    blobs: 3,
    signature: { state: 'unsigned' as const, demanded: false, signatures: [] },
  };
  const problem = {
    kind: 'damaged' as const,
    message: `blobs/sha256/${'ab'.repeat(32)} is damaged: its content is sha256:${'cd'.repeat(32)}`,
    blob: DIGEST,
    offset: 5120,
    usedBy: ['layer 2 of nginx:1.25'],
  };
  const text = verifiedView(
    { ...report, hashedBytes: 900, references: 4, problems: [problem] },
    plainLook(),
  ).join('\n');
  assert.match(text, '✖ site.tar has 1 problem');
  assert.match(text, 'at byte 5120 of the file');
  assert.match(text, 'used by layer 2 of nginx:1.25');
  const sound = verifiedView({ ...report, hashedBytes: 900, references: 4, problems: [] }, plainLook());
  assert.is(sound[0], '✔ site.tar is sound');
  assert.match(sound.join('\n'), '900 B in 3 blobs hashed, 4 references followed');
  assert.match(sound.join('\n'), 'no: nothing tells who made it, or that nobody changed it');
});

test('the report of a bundle fits 80 columns', () => {
  const bundle: BundleInspection = {
    path: 'site.tar',
    name: 'plant-7',
    version: '2026.11',
    schemaVersion: '1.0',
    digest: DIGEST,
    platforms: ['linux/amd64'],
    size: 430e6,
    blobs: 27,
    engine: {
      version: '20.10.24',
      archives: [
        { platform: 'linux/amd64', digest: DIGEST, size: 66e6, components: ['dockerd', 'containerd'] },
      ],
    },
    daemon: { 'data-root': '/data/docker' },
    units: ['docker.service', 'drop-ins/tasks-max.conf'].map(name => ({ name, digest: DIGEST, size: 9 })),
    images: [
      {
        names: [`hub.company.com/${'deep/'.repeat(12)}nginx:1.25`],
        digest: DIGEST,
        id: DIGEST,
        platform: 'linux/arm64/v8',
        layers: [],
        size: 200e6,
        unique: 50e6,
        referrers: [
          { digest: DIGEST, kind: 'sbom', title: 'SPDX SBOM', size: 3000, referrers: [] },
          { digest: DIGEST, kind: 'signature', title: 'cosign signature', size: 300, referrers: [] },
        ],
      },
      {
        names: [],
        digest: DIGEST,
        id: DIGEST,
        platform: 'linux/amd64',
        layers: [],
        size: 150e6,
        unique: 0,
        referrers: [],
      },
    ],
    indexes: [],
    artifacts: [],
    shared: 150e6,
    files: [{ path: '/etc/motd', mode: '0644', digest: DIGEST, size: 3 }],
    signatures: ['D7E884CF40E63092'],
  };
  const lines = bundleReport(bundle, plainLook());
  assert.ok(widest(lines) <= 80, lines.join('\n'));
  const text = lines.join('\n');
  assert.match(text, 'docker 20.10.24  linux/amd64, 66.0 MB');
  assert.match(text, 'docker.service, 1 drop-in for different systemd');
  assert.match(text, '<none> abababababab');
  assert.match(text, '200 MB of layers, 150 MB of them in several images; sharing spares 150 MB');
});

test('images are listed by name, the nameless as Docker shows them', () => {
  const image = { id: DIGEST, platform: 'linux/amd64', layers: 2, size: 2.24e6 };
  const lines = imageListView(
    {
      source: 'x',
      images: [
        { ...image, names: ['b:1', 'c:1'] },
        { ...image, names: [] },
        { ...image, names: ['a:1'] },
      ],
    },
    plainLook(),
  );
  assert.equal(
    lines.map(line => line.split(' ')[0]),
    ['NAME', 'a:1', 'b:1', 'c:1', '<none>'],
  );
  assert.equal(imageListView({ source: 'x', images: [] }, plainLook()), ['no images']);
});

test('a push shows the mapping, what was sent and what was spared', () => {
  const result = {
    sources: ['bundle:site.tar'],
    target: 'docker://hub.company.com',
    dryRun: false,
    unnamed: [DIGEST],
    images: [
      {
        from: 'nginx:1.25',
        to: 'hub.company.com/library/nginx:1.25',
        digest: DIGEST,
        outcome: 'copied' as const,
      },
      { from: 'a:1', to: 'hub.company.com/library/a:1', digest: DIGEST, outcome: 'present' as const },
    ],
    moved: { blobs: 3, bytes: 50e6 },
    present: { blobs: 1, bytes: 2e6 },
    mounted: NONE,
    spared: { blobs: 1, bytes: 2e6 },
    referrers: [],
  };
  const verb = { title: 'Pushing', done: 'pushed' };
  assert.equal(copiedView(result, verb, plainLook()), [
    'IMAGE       TO                                  DIGEST        OUTCOME',
    'a:1         hub.company.com/library/a:1         abababababab  present',
    'nginx:1.25  hub.company.com/library/nginx:1.25  abababababab  pushed',
    '',
    '2 images in docker://hub.company.com: 50.0 MB sent in 3 blobs, 2.00 MB there already',
  ]);
  const again = copiedView({ ...result, moved: NONE, present: NONE }, verb, plainLook());
  assert.is(
    again.at(-1),
    '2 images in docker://hub.company.com: nothing had to be sent, 2.00 MB there already',
  );
  assert.is(unnamedWarning(result), '1 image of bundle:site.tar without a name was left out: abababababab');
  assert.is(referrersWarning(result, true), undefined);
  const engine = { ...result, target: 'docker-daemon:unix:///run/docker.sock' };
  assert.is(referrersWarning(engine, false), undefined);
  assert.match(referrersWarning(engine, true) ?? '', 'engines hold images alone');
  const dry = copiedView({ ...result, dryRun: true, moved: NONE, present: NONE }, verb, plainLook());
  assert.is(dry.at(-1), '2 images would be pushed to docker://hub.company.com; nothing was sent');
});

test('hosts that fail alike are told once, with what to do', () => {
  const error = (name: string): AirferryError =>
    new AirferryError('HOST_UNREACHABLE', `${name} (ops@${name}) does not answer on port 22`, {
      suggestions: ['Check the cable.'],
    });
  const hosts = [
    host({ name: 'h1' }),
    host({ name: 'h2', outcome: 'failed', phase: 'connect', error: error('h2') }),
    host({ name: 'h3', outcome: 'failed', phase: 'connect', error: error('h3') }),
  ];
  assert.equal(hostsView({ hosts, dryRun: false }, plainLook()), [
    'HOST  OUTCOME  CHANGES   TIME',
    'h1    changed        0  1.5 s',
    'h2    failed         0  1.5 s',
    'h3    failed         0  1.5 s',
    '',
    '✖ h2, h3 at connect',
    '  the host does not answer on port 22',
    '  → Check the cable.',
  ]);
});

test('a dry run lists what would change, hosts with the same plan together', () => {
  const changes = [{ phase: 'write-daemon-json' as const, what: 'write /etc/docker/daemon.json' }];
  const hosts = [host({ name: 'h1', changes }), host({ name: 'h2', changes })];
  assert.equal(hostsView({ hosts, dryRun: true }, plainLook()).slice(3), [
    '',
    'h1, h2 would be changed:',
    '  - write /etc/docker/daemon.json',
  ]);
});

test('a finding of many hosts is told once, errors first', () => {
  const old = {
    id: 'kernel',
    level: 'error' as const,
    title: 'the kernel is 3.8',
    why: 'Docker needs 3.10.',
    fix: 'Update it.',
  };
  const warn = { id: 'selinux', level: 'warn' as const, title: 'SELinux is enforcing', why: '', fix: '' };
  const fine = { id: 'arch', level: 'ok' as const, title: 'x86_64', why: '', fix: '' };
  const hosts = [
    host({ name: 'h1', outcome: 'failed', findings: [warn, old, fine] }),
    host({ name: 'h2', outcome: 'failed', findings: [old, fine] }),
    host({ name: 'h3', outcome: 'unchanged', findings: [fine] }),
  ];
  assert.equal(checkView({ hosts, dryRun: false }, plainLook()), [
    'HOST  ADDRESS  VERDICT    ERRORS  WARNINGS',
    'h1    ops@h1   not ready       1         1',
    'h2    ops@h2   not ready       1         0',
    'h3    ops@h3   ready           0         0',
    '',
    '✖ the kernel is 3.8 (h1, h2)',
    '  Docker needs 3.10.',
    '  → Update it.',
    '',
    '! SELinux is enforcing (h1)',
    '',
    '3 checks passed; --verbose lists them',
  ]);
});

test('the status of hosts fits 80 columns and names the drift', () => {
  const engine = {
    version: '20.10.24',
    dataRoot: '/data/docker',
    storageDriver: 'overlay2',
    containerdStore: false,
    cgroupDriver: 'systemd',
    cgroupVersion: '2',
    liveRestore: true,
    containers: { running: 12, paused: 0, stopped: 1, all: 13 },
    images: 4,
    warnings: ['No swap limit support'],
  };
  const installed = {
    bundle: { name: 'plant-7', version: '2026.11', digest: DIGEST },
    at: '2026-11-20T10:00:00Z',
  };
  const base = { versions: { dockerd: '20.10.24', compose: '2.29.7' }, engine, installed };
  const hosts: HostStatus[] = [
    { ...host({ name: 'h1', outcome: 'unchanged' }), ...base, drift: [] },
    {
      ...host({ name: 'node02.a-long-name.site', outcome: 'unchanged' }),
      ...base,
      drift: [{ what: '/etc/docker/daemon.json', kind: 'changed' }],
    },
    { ...host({ name: 'h3', outcome: 'unchanged' }), versions: {}, drift: [] },
  ];
  const lines = statusView({ hosts, dryRun: false }, plainLook());
  const text = lines.join('\n');
  assert.ok(widest(lines) <= 80, text);
  assert.match(text, /h1 .*20\.10\.24 .*overlay2 .*as left/);
  assert.match(text, 'drifted');
  assert.match(text, '/etc/docker/daemon.json was changed');
  assert.match(text, '! No swap limit support (h1, node02.a-long-name.site)');
  assert.match(text, /h3 .*not ours/);
  assert.match(
    statusView({ hosts: hosts.slice(0, 1), dryRun: false }, plainLook()).join('\n'),
    '12 running, 0 paused, 1 stopped',
  );
});

test.run();
