import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  chooseUnits,
  UNIT_DIR,
  UNIT_PATHS,
  UNIT_SOURCES,
  type UnitFile,
  unitFlags,
  unitNames,
  unitsFor,
} from '../../src/engine/units.ts';
import { suite } from '../support/suite.ts';
import { BINARIES } from './archives.ts';
import { refusal } from './expect.ts';

const test = suite('engine/units');
const root = new URL('../../', import.meta.url).pathname;
const ENGINES = Object.keys(BINARIES);
const SYSTEMDS = [218, 219, 226, 228, 229, 230, 232, 239, 240, 252, 257];

/** What systemd makes of a unit and its drop-ins: the last value counts, an empty one clears the list before it. */
function merged(files: readonly UnitFile[], unit: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  const mine = files.filter(
    file => file.path === `${UNIT_DIR}/${unit}` || file.path.startsWith(`${UNIT_DIR}/${unit}.d/`),
  );
  for (const { content } of mine.sort(
    (a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1),
  )) {
    let section = '';
    for (const line of content.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      if (line.startsWith('[')) {
        section = line.slice(1, -1);
        continue;
      }
      const [key = '', value = ''] = line.split(/=(.*)/s);
      const name = `${section}.${key}`;
      const list = /\.(?:After|Wants|Requires|ExecStart)$/.test(name);
      settings.set(
        name,
        list && value !== '' ? [...(settings.get(name) ?? []), value] : value === '' ? [] : [value],
      );
    }
  }
  return settings;
}

function get(files: readonly UnitFile[], unit: string, key: string): string | undefined {
  return merged(files, unit).get(key)?.join(' ');
}

const all = (): { engine: string; systemd: number; socket: boolean }[] =>
  ENGINES.flatMap(engine =>
    SYSTEMDS.flatMap(systemd => [false, true].map(socket => ({ engine, systemd, socket }))),
  );

test('containers outlive the daemon with every engine on every systemd', () => {
  for (const options of all()) {
    const files = unitsFor(options);
    for (const unit of ['docker.service', 'containerd.service'].filter(name =>
      files.some(file => file.path.endsWith(`/${name}`)),
    )) {
      assert.is(get(files, unit, 'Service.KillMode'), 'process');
      assert.is(get(files, unit, 'Service.Delegate'), 'yes');
      assert.is(get(files, unit, 'Service.Restart'), 'always');
      assert.is(get(files, unit, 'Install.WantedBy'), 'multi-user.target');
    }
    assert.is(get(files, 'docker.service', 'Service.Type'), 'notify');
  }
});

test('no host gets a key that its systemd does not know', () => {
  for (const { engine, systemd, socket } of all()) {
    for (const { path, content } of unitsFor({ engine, systemd, socket })) {
      const keys = content.split('\n').filter(line => /^[A-Z]/.test(line));
      const has = (key: string): boolean => keys.some(line => line.startsWith(`${key}=`));
      const where = `${path} for ${engine} on ${systemd}`;
      if (systemd < 226) assert.not(has('TasksMax'), where);
      if (systemd < 230) assert.not(has('StartLimitIntervalSec'), where);
      else assert.not(has('StartLimitInterval'), where);
      if (systemd < 229)
        assert.not(
          keys.some(line => /^Limit\w+=\d+:/.test(line)),
          where,
        );
    }
  }
});

test('the unit of an engine of 2019 on CentOS 7, as text', () => {
  const files = unitsFor({ engine: '19.03.15', systemd: 219 });
  assert.equal(
    files.map(file => file.path.slice(UNIT_DIR.length + 1)),
    [
      'docker.service',
      'containerd.service',
      'docker.service.d/10-exec.conf',
      'docker.service.d/10-start-limit.conf',
      'docker.service.d/10-nofile.conf',
      'containerd.service.d/10-nofile.conf',
    ],
  );
  const docker = merged(files, 'docker.service');
  assert.equal(Object.fromEntries(docker), {
    'Unit.Description': ['Docker Application Container Engine'],
    'Unit.Documentation': ['https://docs.docker.com'],
    'Unit.After': [
      'network-online.target nss-lookup.target firewalld.service time-set.target',
      'containerd.service',
    ],
    'Unit.Wants': ['network-online.target', 'containerd.service'],
    'Service.Type': ['notify'],
    'Service.ExecStart': ['/usr/local/bin/dockerd --containerd=/run/containerd/containerd.sock'],
    'Service.ExecReload': ['/bin/kill -s HUP $MAINPID'],
    'Service.TimeoutStartSec': ['0'],
    'Service.Restart': ['always'],
    'Service.RestartSec': ['2'],
    'Service.OOMScoreAdjust': ['-500'],
    'Service.LimitNPROC': ['infinity'],
    'Service.LimitCORE': ['infinity'],
    'Service.Delegate': ['yes'],
    'Service.KillMode': ['process'],
    'Service.StartLimitBurst': ['3'],
    'Service.StartLimitInterval': ['60'],
    'Service.LimitNOFILE': ['infinity'],
    'Install.WantedBy': ['multi-user.target'],
  });
  assert.is(
    files.find(file => file.path.endsWith('10-start-limit.conf'))?.content,
    `# Give up after three failed starts in a minute. systemd before 230 (219 on CentOS 7) reads it here, under this name.
[Service]
StartLimitBurst=3
StartLimitInterval=60
`,
  );
});

test("start limits lie where the host's systemd reads them", () => {
  const modern = unitsFor({ engine: '29.0.1', systemd: 230 });
  assert.is(get(modern, 'docker.service', 'Unit.StartLimitIntervalSec'), '60');
  assert.is(get(modern, 'docker.service', 'Unit.StartLimitBurst'), '3');
  assert.is(get(modern, 'docker.service', 'Service.StartLimitBurst'), undefined);
});

test("open files are unlimited through engine 24, and systemd's default from 25 on", () => {
  for (const [engine, systemd, limit] of [
    ['24.0.9', 219, 'infinity'],
    ['24.0.9', 252, 'infinity'],
    ['25.0.0', 252, undefined],
    ['29.0.1', 240, undefined],
    ['29.0.1', 239, '1024:524288'],
    ['25.0.0', 229, '1024:524288'],
    ['25.0.0', 219, '524288'],
  ] as const) {
    const files = unitsFor({ engine, systemd });
    for (const unit of ['docker.service', 'containerd.service'])
      assert.is(get(files, unit, 'Service.LimitNOFILE'), limit, `${engine} on ${systemd}`);
  }
});

test('engines before 18.09 start containerd themselves', () => {
  for (const engine of ['18.03.1-ce', '18.06.3-ce']) {
    const files = unitsFor({ engine, systemd: 219 });
    assert.not(files.some(file => file.path.includes('containerd')));
    assert.is(get(files, 'docker.service', 'Service.ExecStart'), '/usr/local/bin/dockerd');
    assert.equal(unitNames({ engine }), ['docker.service']);
    assert.equal(unitFlags({ engine }), []);
  }
  assert.equal(unitNames({ engine: '18.09.0' }), ['containerd.service', 'docker.service']);
  assert.equal(unitFlags({ engine: '18.09.0' }), ['containerd']);
});

test('containerd is waited for only where it says that it is ready', () => {
  assert.is(
    get(unitsFor({ engine: '19.03.15', systemd: 252 }), 'containerd.service', 'Service.Type'),
    undefined,
  );
  assert.is(
    get(unitsFor({ engine: '20.10.0', systemd: 252 }), 'containerd.service', 'Service.Type'),
    'notify',
  );
});

test('socket activation is there for those who ask', () => {
  const plain = unitsFor({ engine: '29.0.1', systemd: 252 });
  assert.not(plain.some(file => file.path.endsWith('docker.socket')));
  assert.not.match(get(plain, 'docker.service', 'Service.ExecStart') ?? '', 'fd://');
  const files = unitsFor({ engine: '29.0.1', systemd: 252, socket: true });
  assert.is(
    get(files, 'docker.service', 'Service.ExecStart'),
    '/usr/local/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock',
  );
  assert.is(get(files, 'docker.service', 'Unit.Requires'), 'docker.socket');
  assert.is(get(files, 'docker.socket', 'Socket.SocketGroup'), 'docker');
  assert.is(
    get(
      unitsFor({ engine: '18.06.3-ce', systemd: 219, socket: true }),
      'docker.service',
      'Service.ExecStart',
    ),
    '/usr/local/bin/dockerd -H fd://',
  );
  assert.equal(unitNames({ engine: '29.0.1', socket: true }), [
    'containerd.service',
    'docker.socket',
    'docker.service',
  ]);
  assert.equal(unitFlags({ engine: '29.0.1', socket: true }), ['containerd', 'hosts']);
});

test('no path is chosen twice, every one is known, and every file is of use', () => {
  const used = new Set<string>();
  for (const options of all()) {
    const units = chooseUnits(options);
    const paths = units.map(unit => unit.path);
    assert.is(new Set(paths).size, paths.length);
    for (const { path, source } of units) {
      assert.ok(UNIT_PATHS.includes(path));
      used.add(source);
    }
  }
  const shipped = (readdirSync(join(root, 'systemd'), { recursive: true }) as string[]).filter(name =>
    /\.(?:service|socket|conf)$/.test(name),
  );
  assert.equal([...used].sort(), shipped.sort());
  assert.equal(UNIT_SOURCES, shipped.sort());
});

test('an engine or a systemd that is too old is refused', async () => {
  await refusal(() => unitsFor({ engine: '17.12.0-ce', systemd: 252 }), 'ENGINE_INVALID');
  for (const systemd of [208, 217, Number.NaN])
    await refusal(() => unitsFor({ engine: '20.10.24', systemd }), 'UNIT_INVALID', /too old/);
});

test('every file says what it is before anything else', () => {
  for (const file of unitsFor({ engine: '29.0.1', systemd: 252, socket: true }))
    assert.match(file.content, /^# /);
});

/** A root of its own for systemd-analyze: its own units, ours, and stand-ins for the programs that ours start. */
function verify(files: readonly UnitFile[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'airferry-units-'));
  try {
    const system = ['/usr/lib/systemd/system', '/lib/systemd/system'].find(path => existsSync(path)) ?? '';
    cpSync(system, join(dir, '/usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true });
    for (const program of [
      '/usr/local/bin/dockerd',
      '/usr/local/bin/containerd',
      '/bin/kill',
      '/sbin/modprobe',
    ]) {
      mkdirSync(join(dir, dirname(program)), { recursive: true });
      writeFileSync(join(dir, program), '#!/bin/sh\n', { mode: 0o755 });
    }
    for (const { path, content } of files) {
      mkdirSync(join(dir, dirname(path)), { recursive: true });
      writeFileSync(join(dir, path), content);
    }
    const units = files.map(file => file.path.slice(UNIT_DIR.length + 1)).filter(path => !path.includes('/'));
    const child = spawnSync('systemd-analyze', ['verify', '--man=no', `--root=${dir}`, ...units], {
      encoding: 'utf8',
    });
    return `${child.stdout}${child.stderr}${child.status === 0 ? '' : `status ${child.status}`}`
      .split('\n')
      .filter(line => /docker|containerd|status/.test(line))
      .join('\n');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

if (spawnSync('systemd-analyze', ['--version']).status === 0) {
  test('systemd-analyze verify finds nothing to say', () => {
    for (const socket of [false, true])
      for (const engine of ['18.06.3-ce', '20.10.24', '29.0.1'])
        assert.is(verify(unitsFor({ engine, systemd: 252, socket })), '', engine);
  });

  test('systemd-analyze verify would have found a mistake', () => {
    const files = unitsFor({ engine: '20.10.24', systemd: 252 }).map(file =>
      file.path.endsWith('/docker.service')
        ? { ...file, content: file.content.replace('KillMode', 'KilMode') }
        : file,
    );
    assert.match(verify(files), /KilMode/);
  });
} else {
  test.skip('systemd-analyze verify finds nothing to say', 'there is no systemd-analyze here');
}

test.run();
