import * as assert from 'uvu/assert';
import { Interruption } from '../../src/cli/interruption.ts';
import { suite } from '../support/suite.ts';

const test = suite('interruption');

test('the first signal aborts with the error to end with, and tells once', () => {
  const interruption = new Interruption();
  let told = 0;
  interruption.onFirst = () => {
    told++;
  };
  try {
    assert.is(interruption.error, undefined);
    process.emit('SIGTERM');
    assert.is(told, 1);
    assert.ok(interruption.signal.aborted);
    assert.equal([interruption.error?.code, interruption.error?.exit], ['INTERRUPTED', 130]);
    assert.is(interruption.signal.reason, interruption.error);
  } finally {
    interruption.end();
  }
});

test('the second signal ends the process at once', () => {
  const interruption = new Interruption();
  const { exit } = process;
  const codes: unknown[] = [];
  process.exit = (code => codes.push(code)) as typeof process.exit;
  try {
    process.emit('SIGINT');
    assert.equal(codes, []);
    process.emit('SIGINT');
    assert.is(codes[0], 130);
  } finally {
    process.exit = exit;
    interruption.end();
  }
});

test('afterwards signals are left to themselves', () => {
  const before = process.listenerCount('SIGINT');
  const interruption = new Interruption();
  assert.is(process.listenerCount('SIGINT'), before + 1);
  interruption.end();
  assert.is(process.listenerCount('SIGINT'), before);
});

test.run();
