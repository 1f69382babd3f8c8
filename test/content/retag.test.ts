import * as assert from 'uvu/assert';
import { formatReference, parseReference } from '../../src/content/reference.ts';
import { collisions, parseRetagRule, retag } from '../../src/content/retag.ts';
import { refusal } from '../engine/expect.ts';
import { processorTime } from '../support/processor-time.ts';
import { suite } from '../support/suite.ts';

const test = suite('retag');
const HUB = 'hub.company.com';

function renamed(name: string, ...rules: string[]): string {
  return formatReference(retag(parseReference(name), rules.map(parseRetagRule), HUB).to);
}

const TABLE: [name: string, rules: string[], to: string][] = [
  ['nginx:1.25', [], `${HUB}/library/nginx:1.25`],
  ['quay.io/team/app:2', [], `${HUB}/team/app:2`],
  ['rancher/agent:v2', ['rancher/*=hub.company.com/rancher/*'], `${HUB}/rancher/agent:v2`],
  ['rancher/agent:v2', ['rancher/*=r/*'], `${HUB}/r/agent:v2`],
  ['rancher/agent:v2', ['rancher/agent=hub.company.com/one'], `${HUB}/one:v2`],
  ['nginx:1.25', ['nginx=web/nginx'], `${HUB}/web/nginx:1.25`],
  ['nginx:1.25', ['nginx=proxy'], `${HUB}/proxy:1.25`],
  ['nginx:1.25', ['nginx:1.25=proxy:stable'], `${HUB}/proxy:stable`],
  ['nginx:1.25', ['nginx:*=proxy:v*'], `${HUB}/proxy:v1.25`],
  ['nginx:1.25', ['docker.io/library/*=mirror/*'], `${HUB}/mirror/nginx:1.25`],
  ['a/b/c:1', ['*=all/*'], `${HUB}/all/a/b/c:1`],
  ['a/b/c:1', ['*/*=x/*-*'], `${HUB}/x/a/b-c:1`],
  ['a/b/c:1', ['a/*/c=*'], `${HUB}/b:1`],
  ['quay.io/a/b:1', ['quay.io/*/*=*.*'], `${HUB}/a.b:1`],
  ['x:1', ['*=fixed'], `${HUB}/fixed:1`],
  // The first rule that matches decides.
  ['rancher/agent:1', ['rancher/agent=first', 'rancher/*=second/*'], `${HUB}/first:1`],
  ['rancher/agent:1', ['rancher/*=second/*', 'rancher/agent=first'], `${HUB}/second/agent:1`],
  ['nginx:1', ['rancher/*=r/*'], `${HUB}/library/nginx:1`],
  // What has a meaning in regular expressions has none here.
  ['aXb:1', ['a.b=dot'], `${HUB}/library/axb:1`],
  [`x@sha256:${'a'.repeat(64)}`, ['x=y'], `${HUB}/y@sha256:${'a'.repeat(64)}`],
];

for (const [name, rules, to] of TABLE) {
  test(`${name.slice(0, 30)} under ${rules.join(', ') || 'no rule'} is ${to.slice(0, 40)}`, () => {
    assert.is(renamed(name.toLowerCase(), ...rules), to);
  });
}

test('the rule that made a name is told, and none where only the registry changed', () => {
  const rules = [parseRetagRule('nginx=web')];
  assert.is(retag(parseReference('nginx'), rules, HUB).rule, 'nginx=web');
  assert.is(retag(parseReference('redis'), rules, HUB).rule, undefined);
});

test('a pattern matches the whole name, not a part of it', () => {
  assert.is(renamed('my/nginx:1', 'nginx=web'), `${HUB}/my/nginx:1`);
  assert.is(renamed('nginx-extra:1', 'nginx=web'), `${HUB}/library/nginx-extra:1`);
  assert.is(renamed('ab:1', 'ab*b=x'), `${HUB}/library/ab:1`, 'pieces do not overlap');
});

for (const rule of ['', '=', 'a=', '=b', 'a', 'a=b=c', 'a=*', '*=*/*', 'x'.repeat(1001)]) {
  test(`"${rule.slice(0, 20)}" is no rule`, async () => {
    await refusal(() => parseRetagRule(rule), 'RULE_INVALID', /is not a retag rule/);
  });
}

for (const [rule, name] of [
  ['nginx=Web', 'nginx:1'],
  ['nginx=web:stable', 'nginx:1'],
  ['*=*/', 'nginx:1'],
  ['*=-*', 'nginx:1'],
  [`*=${'x'.repeat(255)}*`, 'nginx:1'],
] as const) {
  test(`the rule ${rule.slice(0, 30)} makes no valid name`, async () => {
    await refusal(() => renamed(name, rule), 'RULE_INVALID', /turns nginx:1 into/);
  });
}

test('a rule must not lead to another registry than the one that is pushed to', async () => {
  for (const rule of [
    'nginx=other.com/web',
    'nginx=docker.io/web',
    'nginx=index.docker.io/web/x',
    'nginx=localhost/x',
  ])
    await refusal(() => renamed('nginx:1', rule), 'RULE_INVALID', /but the push goes to hub.company.com/);
});

test('different images under one name collide, the same image twice does not', () => {
  const way = (from: string, to: string, image: string) => ({
    from: parseReference(from),
    to: parseReference(to),
    image,
  });
  const found = collisions([
    way('a/x:1', 'hub.com/x:1', 'one'),
    way('b/x:1', 'hub.com/x:1', 'two'),
    way('c/x:1', 'hub.com/y:1', 'three'),
    way('d/x:1', 'hub.com/y:1', 'three'),
    way('e/x:1', 'hub.com/x:2', 'four'),
  ]);
  assert.equal(found, [{ to: 'hub.com/x:1', from: ['a/x:1', 'b/x:1'] }]);
});

test('a tag is one name, with or without a digest beside it', () => {
  const digest = `sha256:${'b'.repeat(64)}`;
  const way = (to: string, image: string) => ({ from: parseReference(image), to: parseReference(to), image });
  assert.is(collisions([way(`hub.com/x:1@${digest}`, 'one'), way('hub.com/x:1', 'two')]).length, 1);
});

test('no pattern is slow', () => {
  const rule = parseRetagRule(`${'*a'.repeat(200)}*b=x`);
  const reference = parseReference(`${'a'.repeat(200)}:${'a'.repeat(128)}`);
  const elapsed = processorTime();
  for (let i = 0; i < 1000; i++) retag(reference, [rule], HUB);
  assert.ok(elapsed() < 500);
});

test.run();
