import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { ThreadPool } from '../../src/support/thread-pool.ts';
import { suite } from './suite.ts';

const test = suite('support/thread-pool', { timeout: 60_000 });

/** A thread that answers with its own number and the job, and falls over the job `fall` or leaves at `leave`. */
const ECHO = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId, workerData } from 'node:worker_threads';
    parentPort.on('message', job => {
      if (job === 'fall') throw new Error('it fell');
      if (job === 'leave') process.exit(3);
      parentPort.postMessage({ threadId, job, workerData });
    });`)}`,
);

interface Echo {
  threadId: number;
  job: unknown;
  workerData: unknown;
}

function poolOf(threads: number, depth: number): ThreadPool<Echo> {
  return new ThreadPool<Echo>({ worker: ECHO, data: 'data', does: 'echoes', threads, depth });
}

function ask(pool: ThreadPool<Echo>, job: unknown): Promise<Echo> {
  return new Promise((resolve, reject) => {
    pool.give({
      job,
      lost: reject,
      answered(answer) {
        resolve(answer);
        return true;
      },
    });
  });
}

test('each order gets its own answer, from no more threads than are allowed', async () => {
  await using pool = poolOf(2, 2);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(pool, i)));
  assert.equal(
    answers.map(({ job }) => job),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.is(new Set(answers.map(({ threadId }) => threadId)).size, 2);
  assert.is(answers[0]?.workerData, 'data');
});

test('a thread that fails fails what it had to do; what comes later goes to another one', async () => {
  await using pool = poolOf(1, 1);
  for (const [job, message] of [
    ['fall', /it fell/],
    ['leave', /a thread that echoes ended with 3/],
  ] as const) {
    const failed = ask(pool, job).catch((error: Error) => error);
    const later = ask(pool, 'later');
    assert.match(((await failed) as Error).message, message);
    assert.is((await later).job, 'later');
  }
});

test('threads that have nothing to do are ended after a while, and others start when there is', async () => {
  await using pool = poolOf(1, 1);
  const { threadId } = await ask(pool, 1);
  assert.is((await ask(pool, 2)).threadId, threadId);
  await sleep(2500);
  assert.is.not((await ask(pool, 3)).threadId, threadId);
});

test('a pool that nobody ends keeps no process alive', () => {
  const module = new URL('../../src/support/thread-pool.ts', import.meta.url).href;
  const code = `
    import { ThreadPool } from '${module}';
    const pool = new ThreadPool({ worker: new URL(${JSON.stringify(ECHO.href)}), does: 'echoes', threads: 1, depth: 1 });
    pool.give({ job: 1, lost: console.log, answered: ({ job }) => { console.log('got ' + job); return true; } });`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.is(child.stdout.trim(), 'got 1', child.stderr);
  assert.is(child.status, 0);
});

test.run();
