/** What may be under way to a command: as much as the way holds, and never so little that the host would not open it again. */
import type { Client } from 'ssh2';
import * as assert from 'uvu/assert';
import { fillsWindow, limitInFlight, measureRoundTrip, mostInFlight } from '../../src/host/in-flight.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/in-flight');
const WINDOW = 2 * 1024 * 1024;

const client = (version: string, answer: (done: () => void) => void = done => done()): Client =>
  ({
    _remoteVer: version,
    unforwardIn: (_: string, __: number, done: () => void) => answer(done),
  }) as unknown as Client;

const after = (ms: number) => async (): Promise<number> => ms;

test('a window of OpenSSH is narrowed to what the way holds, and never to less than several packets', async () => {
  for (const version of ['OpenSSH_5.3', 'OpenSSH_7.4', 'OpenSSH_9.2p1 Debian-2+deb12u3']) {
    assert.is(await mostInFlight(client(version), after(0)), 262_144);
    assert.is(await mostInFlight(client(version), after(0.5)), 262_144 + 125_000);
    assert.is(await mostInFlight(client(version), after(20)), 262_144 + 5_000_000);
  }
});

test('hosts that are no OpenSSH, or do not say so, keep their window: they may wait until half of it was read, and are asked nothing', async () => {
  for (const version of ['ssh2js1.16.0srv', 'dropbear_2022.83', 'Go', '', 'NotOpenSSH_9.2'])
    assert.is(await mostInFlight(client(version), () => assert.unreachable() as never), Infinity);
});

test('what was taken off a window is a whole number of bytes, and no window grows', async () => {
  for (const [most, left] of [
    [262_144, 262_144],
    [WINDOW, WINDOW],
    [9 * WINDOW, WINDOW],
    [Infinity, WINDOW],
  ] as const) {
    const channel = { outgoing: { window: WINDOW } };
    limitInFlight(channel, most);
    assert.is(channel.outgoing.window, left);
  }
  assert.ok(Number.isInteger(await mostInFlight(client('OpenSSH_9.2'), after(0.123_456_7))));
});

test('a program of this machine has no window to be narrowed', () => {
  const channel = {};
  limitInFlight(channel, 1);
  assert.equal(channel, {});
});

test('only what can fill a window is worth asking how long the way is', () => {
  assert.not(fillsWindow(undefined));
  assert.not(fillsWindow('a line\n'));
  assert.not(fillsWindow(Buffer.alloc(262_144)));
  assert.ok(fillsWindow(Buffer.alloc(262_145)));
  assert.ok(fillsWindow([Buffer.alloc(1)]));
});

test('the best of a few tries counts, and a connection that ends meanwhile ends the measuring', async () => {
  const waits = [40, 1, 40, 40];
  const slow = client('OpenSSH_9.2', done => setTimeout(done, waits.shift()));
  const ms = await measureRoundTrip(slow, new Promise(() => undefined));
  assert.equal(waits, []);
  assert.ok(ms < 30, `${ms} ms`);
  const silent = client('OpenSSH_9.2', () => undefined);
  assert.is(await measureRoundTrip(silent, new Promise(done => setTimeout(done, 20))), Infinity);
});

test.run();
