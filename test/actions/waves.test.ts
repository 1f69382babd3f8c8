import * as assert from 'uvu/assert';
import { hostsIn, inWaves, parseShare, type Waves, wavesOf } from '../../src/actions/waves.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('waves');
const HOSTS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7'];

/** Go through the hosts, of which some fail; tells the order of begins and ends, and how each fared. */
async function go(waves: Waves, failing: readonly string[] = [], parallel = 10) {
  const log: string[] = [];
  const results = await inWaves(HOSTS, {
    waves,
    parallel,
    work: async host => {
      log.push(`+${host}`);
      await new Promise(resolve => setTimeout(resolve, 1));
      log.push(`-${host}`);
      return failing.includes(host) ? `${host} failed` : `${host} done`;
    },
    failed: result => result.endsWith('failed'),
    skip: (host, reason) => `${host} skipped: ${reason}`,
  });
  return { log: log.join(' '), results };
}

test('a share is a number or a percentage, and nothing else', () => {
  assert.equal(parseShare('5', '--batch'), { count: 5 });
  assert.equal(parseShare('25%', '--batch'), { percent: 25 });
  for (const text of ['', '-1', '1.5', '101%', '5 %', 'half', '9999999', '%']) {
    assert.throws(
      () => parseShare(text, '--batch'),
      (error: unknown) =>
        error instanceof AirferryError && error.code === 'USAGE' && /--batch/.test(error.message),
      text,
    );
  }
});

test('a tenth of 25 hosts is two of them, and a batch never is empty', () => {
  assert.is(hostsIn({ percent: 10 }, 25), 2);
  assert.is(hostsIn({ percent: 100 }, 7), 7);
  assert.equal(
    wavesOf(HOSTS, { batch: { percent: 1 } }).map(wave => wave.length),
    [1, 1, 1, 1, 1, 1, 1],
  );
});

test('canary first, then batches of the rest; every host is in one wave', () => {
  assert.equal(wavesOf(HOSTS, { canary: 1, batch: { count: 4 } }), [
    ['h1'],
    ['h2', 'h3', 'h4', 'h5'],
    ['h6', 'h7'],
  ]);
  assert.equal(wavesOf(HOSTS, {}), [HOSTS]);
  assert.equal(wavesOf(HOSTS, { canary: 9 }), [HOSTS]);
  assert.equal(wavesOf([], { canary: 1, batch: { count: 2 } }), []);
});

test('a batch waits for the one before it', async () => {
  const { log, results } = await go({ batch: { count: 3 } });
  const at = (event: string): number => log.split(' ').indexOf(event);
  assert.ok(at('+h4') > at('-h1') && at('+h4') > at('-h2') && at('+h4') > at('-h3'), log);
  assert.ok(at('+h7') > at('-h6'), log);
  assert.equal(
    results,
    HOSTS.map(host => `${host} done`),
  );
});

test('after a canary that failed no other host is begun', async () => {
  const { log, results } = await go({ canary: 2 }, ['h2']);
  assert.is(log, '+h1 +h2 -h1 -h2');
  assert.equal(results.slice(0, 3), ['h1 done', 'h2 failed', 'h3 skipped: the canary failed: 1 of 2 hosts']);
  assert.is(results.filter(result => result.includes('skipped')).length, 5);
});

test('without a limit the others go on, however many fail', async () => {
  const { results } = await go({ batch: { count: 2 } }, ['h1', 'h2', 'h3', 'h4']);
  assert.equal(results.slice(4), ['h5 done', 'h6 done', 'h7 done']);
});

test('no host is begun once more have failed than may', async () => {
  const { results } = await go({ maxFailures: { count: 1 } }, ['h1', 'h3'], 1);
  assert.equal(results.slice(0, 3), ['h1 failed', 'h2 done', 'h3 failed']);
  assert.is(results[3], 'h4 skipped: 2 hosts failed, and no more than 1 may');
  const none = await go({ maxFailures: { percent: 0 } }, ['h1'], 1);
  assert.is(none.results[1], 'h2 skipped: 1 host failed, and none may');
});

test.run();
