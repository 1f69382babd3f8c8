/**
 * Test suites: uvu, with the gaps closed through which a failure could slip.
 *
 * uvu exits 0 when a test rejects with something that is no Error, waits for ever on a test that never settles, and
 * does not see tests that were cut off by an early exit. `suite()` turns every rejection into an Error, gives each
 * test a time limit, counts what ran, and tells the counts to `test/run.ts` as the last line of the process.
 */
import { writeSync } from 'node:fs';
import { suite as uvuSuite } from 'uvu';
import { scratch } from './scratch.ts';

// What runs remember for one another would have tests depend on those before them.
process.env.XDG_CACHE_HOME = scratch();

/** Suites of this file that have not ended; hooks of the last one included. */
let running = 0;
const counts = { passed: 0, failed: 0, skipped: 0, total: 0 };
const DEFAULT_TIMEOUT_MS = 20_000;
/** How long open handles may keep a finished process alive before that is an error. */
const LINGER_MS = 3_000;

type Body = () => void | Promise<void>;

export interface TestOptions {
  /** Milliseconds after which the test fails by name. */
  timeout?: number;
}

export interface Suite {
  (name: string, body: Body, options?: TestOptions): void;
  /** Leave a test out, loudly and counted. CI refuses any. */
  skip(name: string, reason: string): void;
  before(hook: Body): void;
  after(hook: Body): void;
  beforeEach(hook: Body): void;
  afterEach(hook: Body): void;
  run(): void;
}

/** A named suite. Call it with a sentence and a body for each test, then `run()` once at the end of the file. */
export function suite(title: string, defaults: TestOptions = {}): Suite {
  const inner = uvuSuite(title);
  const add = (name: string, body: Body, options: TestOptions = {}): void => {
    counts.total++;
    inner(name, async () => {
      try {
        await withTimeout(name, body, options.timeout ?? defaults.timeout ?? DEFAULT_TIMEOUT_MS);
        counts.passed++;
      } catch (error) {
        counts.failed++;
        throw asError(error);
      }
    });
  };
  // uvu forgets what a hook throws: it is told here, and counts as a failure of its own.
  const guarded = (kind: string, hook: Body) => async (): Promise<void> => {
    try {
      await hook();
    } catch (error) {
      counts.failed++;
      counts.total++;
      writeSync(2, `${title}: the hook "${kind}" failed: ${asError(error).stack}\n`);
      throw asError(error);
    }
  };
  return Object.assign(add, {
    skip(name: string, reason: string): void {
      counts.total++;
      counts.skipped++;
      writeSync(2, `SKIPPED ${title}: ${name} (${reason})\n`);
    },
    before: (hook: Body) => inner.before(guarded('before', hook)),
    after: (hook: Body) => inner.after(guarded('after', hook)),
    beforeEach: (hook: Body) => inner.before.each(guarded('before each', hook)),
    afterEach: (hook: Body) => inner.after.each(guarded('after each', hook)),
    run(): void {
      running++;
      inner.after(() => {
        running--;
        if (running === 0) endLingering();
      });
      inner.run();
    },
  });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error(`a value that is no Error was thrown: ${String(thrown)}`);
}

async function withTimeout(name: string, body: Body, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`"${name}" did not settle within ${ms} ms`)), ms);
  });
  try {
    await Promise.race([body(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Once every test and hook has settled, whatever still holds the process open is a leak in the test or its subject. */
function endLingering(): void {
  const timer = setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ');
    writeSync(2, `open handles kept the process alive after the last test: ${held}\n`);
    counts.failed++;
    process.exit(1);
  }, LINGER_MS);
  timer.unref();
}

process.on('exit', () => {
  const { passed, failed, skipped, total } = counts;
  if (passed + failed + skipped !== total || failed > 0) process.exitCode = 1;
  writeSync(1, `\nsuite-counts passed=${passed} failed=${failed} skipped=${skipped} total=${total}\n`);
});
