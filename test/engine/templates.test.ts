import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { buildDaemonJson, formatDaemonJson } from '../../src/engine/daemon-json.ts';
import { DAEMON_TEMPLATES, loadDaemonTemplate } from '../../src/engine/templates.ts';
import { unitFlags } from '../../src/engine/units.ts';
import { inRange } from '../../src/engine/version.ts';
import { suite } from '../support/suite.ts';
import { BINARIES } from './archives.ts';
import { refusal } from './expect.ts';

const test = suite('engine/templates');
const folder = new URL('../../templates/daemon/', import.meta.url).pathname;
const ENGINES = ['18.03.1-ce', ...Object.keys(BINARIES), '24.0.9', '25.0.5', '27.5.1', '28.5.0', '29.7.0'];
const site = { 'insecure-registries': ['hub.company.com'], 'registry-mirrors': ['http://hub.company.com'] };

test('the names are those of the files', () => {
  assert.equal(
    [...DAEMON_TEMPLATES].sort(),
    readdirSync(folder)
      .map(file => file.replace(/\.json$/, ''))
      .sort(),
  );
});

test('every template is right for every engine that it claims, on both kinds of units', () => {
  for (const name of DAEMON_TEMPLATES) {
    const template = loadDaemonTemplate(name);
    const claimed = ENGINES.filter(engine => inRange(engine, template.engines));
    assert.ok(claimed.length > 0);
    for (const engine of claimed) {
      // What opens the API by `hosts` is for units without docker.socket, which are the ones that are installed.
      const socket = template.config.hosts === undefined;
      const context = { engine, needs: template.needs, flags: unitFlags({ engine, socket }) };
      const { warnings, text } = buildDaemonJson([template.config, site], context);
      assert.equal(warnings, [], `${name} on ${engine}`);
      assert.match(text, '"hub.company.com"');
    }
  }
});

test('a template that needs no values is right by itself', () => {
  for (const name of DAEMON_TEMPLATES) {
    const { config, needs } = loadDaemonTemplate(name);
    const build = (): unknown => buildDaemonJson([config], { engine: '20.10.24', needs });
    if (needs.length === 0) build();
    else assert.throws(build, /left to the site/);
  }
});

test('production says what it is known for', () => {
  const { config } = loadDaemonTemplate('production');
  assert.equal(config, {
    'data-root': '/data/docker',
    'storage-driver': 'overlay2',
    'insecure-registries': [],
    'registry-mirrors': [],
    bip: '172.7.5.1/24',
    'exec-opts': ['native.cgroupdriver=systemd'],
    'live-restore': true,
    'log-driver': 'json-file',
    'log-opts': { 'max-size': '100m', 'max-file': '3' },
  });
});

test("templates name no site of anybody's", () => {
  for (const name of DAEMON_TEMPLATES) {
    const { config } = loadDaemonTemplate(name);
    assert.not.match(formatDaemonJson(config), /https?:|\.com/);
    assert.ok(readFileSync(join(folder, `${name}.json`), 'utf8').endsWith('}\n'));
  }
});

test('another name is refused with the nearest and the list', async () => {
  const error = await refusal(() => loadDaemonTemplate('produktion'), 'TEMPLATE_INVALID', /"produktion"/);
  assert.is(error.suggestions[0], 'Did you mean "production"?');
  assert.match(error.suggestions[1] ?? '', 'default, production, registry-mirror, kubernetes-cgroups');
  for (const name of ['', '../../package', 'constructor', '__proto__', 'production.json'])
    await refusal(() => loadDaemonTemplate(name), 'TEMPLATE_INVALID');
});

test.run();
