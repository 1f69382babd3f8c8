import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { audit, formatAudit, operator } from '../../src/host/audit.ts';
import { suite } from '../support/suite.ts';
import { site } from './site.ts';

const test = suite('host/audit');

test('a line says who, when, what and with which result', () => {
  const line = formatAudit(
    { phase: 'switch_release', action: 'a\nb', result: 'changed' },
    new Date(0),
    'alice@laptop',
  );
  assert.is(
    line,
    '{"when":"1970-01-01T00:00:00.000Z","who":"alice@laptop","phase":"switch_release","action":"a\\nb","result":"changed"}\n',
  );
  assert.match(operator(), /^.+@.+$/);
});

test('a line stays short enough for one write, and stays JSON', () => {
  const error = { code: 'HOST_COMMAND_FAILED', message: '"'.repeat(100_000) };
  const line = formatAudit({ phase: 'x', action: 'y'.repeat(100_000), result: 'failed', error });
  assert.ok(line.length < 20_000);
  assert.is(JSON.parse(line).error.code, 'HOST_COMMAND_FAILED');
});

test('lines are appended, by several at once too', async () => {
  await using at = await site();
  const path = join(at.server.home, 'log', 'audit.jsonl');
  const action = (n: number) => ({ phase: 'install', action: `step ${n}`, result: 'changed' as const });
  await audit(at.shell, [action(0), action(1)], { path });
  await audit(at.shell, [], { path });
  await Promise.all([2, 3, 4].map(n => audit(at.shell, [action(n)], { path })));
  const lines = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.equal(lines.map(line => line.action).sort(), ['step 0', 'step 1', 'step 2', 'step 3', 'step 4']);
  assert.is(statSync(path).mode & 0o777, 0o640);
});

test.run();
