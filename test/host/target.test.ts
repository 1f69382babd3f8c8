import { inspect } from 'node:util';
import * as assert from 'uvu/assert';
import { Secret } from '../../src/host/secret.ts';
import { describeTarget, hostTarget } from '../../src/host/target.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/target');

test('a secret shows itself to nobody who does not ask for it', () => {
  const target = hostTarget({ address: 'h1', password: new Secret('hunter2') });
  for (const shown of [
    inspect(target),
    JSON.stringify(target),
    `${target.password}`,
    String(target.password),
  ]) {
    assert.not.match(shown, 'hunter2');
  }
  assert.match(JSON.stringify(target), '***');
  assert.is(target.password?.reveal(), 'hunter2');
});

test('what is not said is as ssh would have it', () => {
  const target = hostTarget({ address: '10.77.0.11' }, { SSH_AUTH_SOCK: '/run/agent' });
  assert.is(target.port, 22);
  assert.is(target.agent, '/run/agent');
  assert.is(target.name, '10.77.0.11');
  assert.ok(target.sudo);
  assert.is(hostTarget({ address: 'h1', agent: '' }, { SSH_AUTH_SOCK: '/run/agent' }).agent, undefined);
  assert.is(hostTarget({ address: 'h1' }, {}).agent, undefined);
});

test('a target is described by its name and its address, once', () => {
  assert.is(
    describeTarget(hostTarget({ name: 'h1', address: '10.77.0.11', user: 'ops' })),
    'h1 (ops@10.77.0.11)',
  );
  assert.is(
    describeTarget(hostTarget({ address: '10.77.0.11', user: 'ops', port: 2222 })),
    'ops@10.77.0.11:2222',
  );
});

test.run();
