import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { airferry } from './airferry.ts';

const test = suite('fleet commands', { timeout: 60_000 });
const dir = scratch();
const fleet = join(dir, 'fleet.yaml');
writeFileSync(
  fleet,
  'defaults: { user: ops }\nhosts: [{ name: "node[1:3]", groups: [web] }]\ngroups: { web: }\n',
);
const none = ['--ssh-config', 'none'];

test('fleet list shows hosts in a table, one host in full, and all as JSON', async () => {
  const all = await airferry(['fleet', 'list', '-F', fleet, ...none]);
  assert.is(all.status, 0, all.stderr);
  assert.match(all.stdout, /^HOST .*ADDRESS/);
  assert.is(all.stdout.trim().split('\n').length, 4);
  const one = await airferry(['fleet', 'list', '-F', fleet, '--limit', 'web,!node[2:3]', ...none]);
  assert.match(one.stdout, /^host +node1$/m);
  const json = await airferry(['fleet', 'list', '-F', fleet, '--limit', '~*3', '--json', ...none]);
  const { hosts } = JSON.parse(json.stdout) as { hosts: { name: string; user: string }[] };
  assert.equal(
    hosts.map(({ name, user }) => `${user}@${name}`),
    ['ops@node3'],
  );
});

test('fleet check is silent about what is right, and names file, line and column of what is not', async () => {
  const right = await airferry(['fleet', 'check', '-F', fleet, ...none]);
  assert.equal([right.status, right.stderr], [0, '']);
  assert.match(right.stdout, 'is right: 3 hosts in 1 group.');
  const wrong = join(dir, 'wrong.yaml');
  writeFileSync(wrong, 'hosts:\n  - { name: h1, usr: ops }\n');
  const refused = await airferry(['fleet', 'check', '-F', wrong, ...none]);
  assert.is(refused.status, 3);
  assert.match(refused.stderr, /wrong\.yaml:2:\d+/);
  assert.match(refused.stderr, 'Did you mean `user`?');
});

test('fleet schema is one JSON document, with or without --json', async () => {
  const plain = await airferry(['fleet', 'schema']);
  const json = await airferry(['fleet', 'schema', '--json']);
  const schema = JSON.parse(plain.stdout) as { title: string };
  assert.is(schema.title, 'airferry fleet');
  assert.equal(JSON.parse(json.stdout), schema);
});

test.run();
