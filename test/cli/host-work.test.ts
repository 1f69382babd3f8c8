import * as assert from 'uvu/assert';
import type { HostEvent } from '../../src/actions/host-events.ts';
import { HostBoard } from '../../src/cli/host-board.ts';
import { HostLines } from '../../src/cli/host-lines.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';
import { plainLook, widest } from './look.ts';

const test = suite('hosts at work');
const CHANGES = { dryRun: false, readOnly: false };
const STAGE = { host: 'h1', phase: 'stage-engine', title: 'Bring the engine over' } as const;
const failure = new AirferryError('HOST_DISK_FULL', 'there is no space left on /opt\nmore detail');
const FAILED: HostEvent = {
  kind: 'host-failed',
  host: 'h1',
  phase: 'stage-engine',
  error: failure,
  durationMs: 3000,
};

test('lines name host and phase, and what changed', () => {
  const lines = new HostLines(['h1', 'node10'], plainLook(), CHANGES);
  const changed = ['wrote /usr/local/lib/airferry'];
  assert.equal(lines.lines({ kind: 'phase-start', ...STAGE }, 0), []);
  assert.equal(lines.lines({ kind: 'phase-done', ...STAGE, changed, durationMs: 1200 }, 0), [
    'h1      stage-engine         done (1.2 s)',
    'h1      stage-engine         - wrote /usr/local/lib/airferry',
  ]);
  assert.equal(lines.lines({ kind: 'phase-skipped', ...STAGE }, 0), []);
  assert.equal(
    lines.lines({ kind: 'host-done', host: 'node10', outcome: 'unchanged', durationMs: 2000 }, 0),
    ['node10  unchanged            (2.0 s)'],
  );
  assert.equal(lines.lines(FAILED, 0), [
    'h1      failed               at stage-engine: there is no space left on /opt',
  ]);
});

test('progress is told every ten seconds, not with each event', () => {
  const lines = new HostLines(['h1'], plainLook(), CHANGES);
  lines.lines({ kind: 'phase-start', ...STAGE }, 0);
  const at = (now: number): string[] =>
    lines.lines({ kind: 'phase-progress', ...STAGE, done: 40e6, total: 80e6 }, now);
  assert.equal([at(100), at(9_999)].flat(), []);
  assert.equal(at(10_000), ['h1  stage-engine         40.0 MB of 80.0 MB']);
  assert.equal(at(10_100), []);
});

test('verbose lines tell what began and what had nothing to do', () => {
  const lines = new HostLines(['h1'], plainLook(80, true), CHANGES);
  assert.is(lines.lines({ kind: 'phase-start', ...STAGE }, 0).length, 1);
  assert.match(lines.lines({ kind: 'phase-skipped', ...STAGE }, 0)[0] ?? '', 'nothing to do');
});

test('what a host says does not steer the terminal', () => {
  const lines = new HostLines(['h1'], plainLook(), CHANGES);
  const [line = ''] = lines.lines({ kind: 'phase-note', ...STAGE, text: 'loaded \u001b[2Jx' }, 0);
  assert.not.match(line, /\p{Cc}/u);
});

test('the board shows what each host does, and how it ended', () => {
  const board = new HostBoard(['h1', 'node10'], plainLook(), CHANGES);
  assert.is(board.line('h1'), 'h1      waiting');
  board.update({ kind: 'phase-start', ...STAGE });
  board.update({ kind: 'phase-progress', ...STAGE, done: 40e6, total: 80e6 });
  assert.is(board.line('h1'), 'h1      Bring the engine over  40.0 MB of 80.0 MB');
  board.update({ kind: 'phase-done', ...STAGE, changed: ['a', 'b'], durationMs: 10 });
  assert.is(board.update({ kind: 'host-done', host: 'h1', outcome: 'changed', durationMs: 12_300 }), 'done');
  assert.is(board.line('h1'), 'h1      2 changes  12.3 s');
  assert.is(board.update({ ...FAILED, host: 'node10' }), 'failed');
  assert.is(board.line('node10'), 'node10  failed at stage-engine: there is no space left on /opt');
});

test('a host that needs nothing says so, and asking is no change', () => {
  const done: HostEvent = { kind: 'host-done', host: 'h1', outcome: 'unchanged', durationMs: 900 };
  const after = (options: { dryRun: boolean; readOnly: boolean }): string => {
    const board = new HostBoard(['h1'], plainLook(), options);
    board.update(done);
    return board.line('h1');
  };
  assert.is(after(CHANGES), 'h1  nothing to change  900 ms');
  assert.is(after({ dryRun: true, readOnly: false }), 'h1  nothing would change  900 ms');
  assert.is(after({ dryRun: false, readOnly: true }), 'h1  done  900 ms');
});

test('a line never wraps on a narrow screen', () => {
  const board = new HostBoard(['h'.repeat(60)], plainLook(50), CHANGES);
  board.update({ ...FAILED, host: 'h'.repeat(60) });
  assert.ok(widest([board.line('h'.repeat(60))]) <= 46);
});

test('a large fleet is told by numbers', () => {
  const names = Array.from({ length: 200 }, (_, i) => `node${i}`);
  const board = new HostBoard(names, plainLook(), CHANGES);
  for (const host of names.slice(0, 3)) board.update({ kind: 'phase-start', ...STAGE, host });
  board.update({ kind: 'phase-start', host: 'node4', phase: 'load-images', title: 'Load images' });
  board.update({ ...FAILED, host: 'node5' });
  board.update({ kind: 'host-done', host: 'node6', outcome: 'changed', durationMs: 1 });
  assert.is(board.total(), '1 of 200 hosts done, 1 failed, 4 at work, 194 waiting');
  assert.equal(board.phases(), ['Bring the engine over (3)', 'Load images (1)']);
});

test('the slow ones of a large fleet are named, with what they are at and for how long', () => {
  const names = Array.from({ length: 300 }, (_, i) => `node${i}`);
  const board = new HostBoard(names, plainLook(), CHANGES);
  for (const [i, host] of names.slice(0, 6).entries())
    board.update({ kind: 'phase-start', ...STAGE, host }, i * 1000);
  board.update({ kind: 'phase-start', ...STAGE, host: 'node0', title: 'Load images' }, 15_000);
  board.update({ kind: 'phase-progress', ...STAGE, host: 'node1', done: 1e6, total: 2e6 }, 15_500);
  assert.equal(board.slowest(9_000), []);
  assert.equal(board.slowest(16_000), [
    'node1: Bring the engine over, 15.0 s',
    'node2: Bring the engine over, 14.0 s',
    'node3: Bring the engine over, 13.0 s',
  ]);
});

test('a host that was not begun says why', () => {
  const event: HostEvent = { kind: 'host-skipped', host: 'h1', reason: 'the canary failed' };
  const board = new HostBoard(['h1', 'h2'], plainLook(), CHANGES);
  assert.is(board.update(event), 'skipped');
  assert.is(board.line('h1'), 'h1  not begun: the canary failed');
  assert.is(board.total(), '0 of 2 hosts done, 1 not begun, 0 at work, 1 waiting');
  const lines = new HostLines(['h1'], plainLook(), CHANGES);
  assert.match(lines.lines(event, 0)[0] ?? '', /^h1 {2}not begun +the canary failed$/);
});

test.run();
