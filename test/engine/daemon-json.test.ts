import * as assert from 'uvu/assert';
import {
  buildDaemonJson,
  checkDaemonJson,
  daemonJsonChange,
  formatDaemonJson,
  mendDaemonJson,
  mergeDaemonJson,
  parseDaemonJson,
} from '../../src/engine/daemon-json.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './expect.ts';

const test = suite('engine/daemon-json');
const engine = '20.10.24';

test('only an object is a daemon.json', async () => {
  assert.equal(parseDaemonJson('{"debug": true}', { file: 'daemon.json' }).config, { debug: true });
  for (const text of ['[]', '"x"', 'null', '3'])
    await refusal(
      () => parseDaemonJson(text, { file: 'daemon.json' }),
      'DAEMON_JSON_INVALID',
      /not an object/,
    );
});

test('later settings win: objects key by key, lists whole, and null takes away', () => {
  const template = {
    'log-opts': { 'max-size': '100m', 'max-file': '3' },
    dns: ['1.1.1.1', '2.2.2.2'],
    debug: true,
  };
  const merged = mergeDaemonJson(
    template,
    { 'log-opts': { 'max-file': '5' }, dns: ['10.0.0.1'], debug: null },
    { mtu: 1400 },
  );
  assert.equal(merged, { 'log-opts': { 'max-size': '100m', 'max-file': '5' }, dns: ['10.0.0.1'], mtu: 1400 });
  assert.equal(template.dns, ['1.1.1.1', '2.2.2.2']);
  assert.equal(mergeDaemonJson(), {});
  assert.equal(mergeDaemonJson({ a: { b: 1 } }, { a: 2 }, { a: { c: { d: null, e: 1 } } }), {
    a: { c: { e: 1 } },
  });
});

test('merging cannot reach the prototype', () => {
  mergeDaemonJson(JSON.parse('{"__proto__":{"x":1}}'), JSON.parse('{"__proto__":{"polluted":1}}'));
  assert.is(({} as Record<string, unknown>).polluted, undefined);
});

test('the same settings are the same bytes', () => {
  const text = formatDaemonJson(mergeDaemonJson({ b: 1, a: ['x'] }, { b: 2 }));
  assert.is(text, '{\n  "b": 2,\n  "a": [\n    "x"\n  ]\n}\n');
});

test('graph becomes data-root in its place, with a word about it', () => {
  const { config, findings } = mendDaemonJson({ debug: true, graph: '/data', mtu: 1 });
  assert.equal(Object.entries(config), [
    ['debug', true],
    ['data-root', '/data'],
    ['mtu', 1],
  ]);
  assert.match(findings[0]?.message ?? '', /old name/);
  assert.equal(mendDaemonJson({ debug: true }), { config: { debug: true }, findings: [] });
  const built = buildDaemonJson([{ 'data-root': '/var/lib/docker' }, { graph: '/data' }], {
    engine: '24.0.9',
  });
  assert.equal(built.config, { 'data-root': '/data' });
  assert.is(built.warnings.length, 1);
});

test('all mistakes come in one error, each with its line', async () => {
  const text = '{\n  "date-root": "/data/docker",\n  "mtu": "1500",\n  "bip": "172.7.5.0/24"\n}\n';
  const { config, places } = parseDaemonJson(text, { file: 'site.json' });
  const error = await refusal(
    () => checkDaemonJson(config, { engine, file: 'site.json', places }),
    'DAEMON_JSON_INVALID',
  );
  assert.is(
    error.message,
    '3 mistakes in site.json:\n' +
      '  line 2: "date-root" is no key of daemon.json\n' +
      '  line 3: "mtu" must be a whole number, without quotes\n' +
      '  line 4: "bip" 172.7.5.0/24 is the address of the network, not of a host in it',
  );
  assert.equal(error.where, { file: 'site.json', line: 2, column: 3 });
  assert.equal(error.suggestions.slice(0, 2), ['Did you mean "data-root"?', 'Write `"mtu": 1500`.']);
  assert.is(error.exit, 3);
});

test('a single mistake is the message', async () => {
  const error = await refusal(
    () => buildDaemonJson([{ 'date-root': '/data' }], { engine }),
    'DAEMON_JSON_INVALID',
  );
  assert.is(error.message, '"date-root" is no key of daemon.json');
  assert.equal(error.where, { file: 'daemon.json' });
});

test('warnings do not stop anything', () => {
  const built = buildDaemonJson([{ hosts: ['unix:///run/docker.sock', 'tcp://0.0.0.0:2375'] }], { engine });
  assert.is(built.warnings.length, 1);
  assert.match(built.text, 'tcp://0.0.0.0:2375');
});

test('a change needs a reload, a restart, or nothing', () => {
  const before = { 'insecure-registries': ['a'], 'log-opts': { x: '1', y: '2' }, bip: '10.0.0.1/24' };
  assert.equal(
    daemonJsonChange(before, {
      bip: '10.0.0.1/24',
      'log-opts': { y: '2', x: '1' },
      'insecure-registries': ['a'],
    }),
    {
      needs: 'nothing',
      keys: [],
    },
  );
  assert.equal(daemonJsonChange(before, { ...before, 'insecure-registries': ['b'], debug: true }), {
    needs: 'reload',
    keys: ['debug', 'insecure-registries'],
  });
  assert.equal(daemonJsonChange(before, { 'insecure-registries': ['b'], 'log-opts': before['log-opts'] }), {
    needs: 'restart',
    keys: ['bip', 'insecure-registries'],
  });
  assert.is(daemonJsonChange({ dns: ['a', 'b'] }, { dns: ['b', 'a'] }).needs, 'restart');
});

test.run();
