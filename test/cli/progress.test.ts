import * as assert from 'uvu/assert';
import { ProgressView, progressFigures, progressLine } from '../../src/cli/progress.ts';
import { Meter } from '../../src/support/meter.ts';
import { suite } from '../support/suite.ts';
import { plainLook } from './look.ts';

const test = suite('progress');
const HALF = { done: 500e6, total: 1e9, spared: 0, elapsedMs: 5000 };

test('a line has bar, percentage, bytes, pace and time left', () => {
  assert.is(
    progressLine('Packing', HALF, plainLook()),
    'Packing  ━━━━━━━━━━──────────  50%  500 MB of 1.00 GB  100 MB/s  5 s left',
  );
});

test('a line never reaches the last column, where it would wrap', () => {
  for (const columns of [40, 50, 60, 80])
    assert.ok([...progressLine('Verifying', HALF, plainLook(columns))].length < columns, String(columns));
});

test('nothing is foretold in the first second', () => {
  assert.is(progressFigures({ done: 10, total: 1000, spared: 0, elapsedMs: 500 }), '10 B of 1.00 kB');
});

test('before the total is known there is only the title', () => {
  assert.is(
    progressLine('Packing', { done: 0, total: 0, spared: 0, elapsedMs: 10 }, plainLook()),
    'Packing …',
  );
});

test('more than was expected is not more than all', () => {
  assert.match(
    progressLine('Packing', { done: 12, total: 10, spared: 0, elapsedMs: 10 }, plainLook()),
    /100% {2}10 B of 10 B/,
  );
});

test('on a terminal the line is written over, and gone at the end', async () => {
  const written: string[] = [];
  const meter = new Meter();
  const view = new ProgressView('Packing', meter, plainLook(), {
    isTTY: true,
    write: text => written.push(text),
  });
  meter.expect(100);
  view.start();
  await new Promise(resolve => setTimeout(resolve, 700));
  view.stop();
  assert.ok(written.length >= 2 && written.length <= 7, `${written.length} writes`);
  assert.ok(written.every(text => text.startsWith('\r')));
  assert.is(written.at(-1), '\r\u001b[K');
});

test('elsewhere there are few lines, without control characters', async () => {
  const written: string[] = [];
  const meter = new Meter();
  const view = new ProgressView('Packing', meter, plainLook(), { write: text => written.push(text) });
  meter.expect(100);
  view.start();
  await new Promise(resolve => setTimeout(resolve, 700));
  meter.advance(50);
  view.stop();
  assert.equal(written, ['Packing …\n']);
});

test('quiet is quiet', async () => {
  const view = new ProgressView('Packing', new Meter(), plainLook());
  view.start();
  view.retitle('Stopping');
  view.stop();
});

test.run();
