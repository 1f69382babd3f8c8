/**
 * The test runner: every `*.test.ts` under test/ in a process of its own, two at a time; end-to-end files (test/e2e/)
 * one after another at the end, since they share the lab.
 *
 *   node test/run.ts                 the fast tests
 *   node test/run.ts --e2e           the end-to-end tests, which need root and the lab
 *   node test/run.ts --all           both
 *   node test/run.ts tar registry    only the files whose path contains one of the words
 *
 * The last line is `N passed, N failed, N skipped`. A file that ends without telling its counts has failed.
 */
import { spawn } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { whyNoLab } from './lab/readiness.ts';
import { COUNTS_LINE } from './support/counts.ts';

interface Result {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
}

/** A file may take this long as a whole before it is stopped and counted as failed. */
const FILE_LIMIT_MS = { fast: 180_000, e2e: 1_200_000 };

const root = new URL('..', import.meta.url).pathname;
const words = process.argv.slice(2).filter(arg => !arg.startsWith('--'));
const wantsE2e = process.argv.includes('--e2e') || process.argv.includes('--all');
const wantsFast = !process.argv.includes('--e2e');

async function main(): Promise<void> {
  const files = (await Array.fromAsync(glob('test/**/*.test.ts', { cwd: root }))).sort();
  const chosen = files.filter(file => words.length === 0 || words.some(word => file.includes(word)));
  const isE2e = (file: string): boolean => file.startsWith('test/e2e/');
  const results: Result[] = [];
  if (wantsFast)
    results.push(
      ...(await runAll(
        chosen.filter(file => !isE2e(file)),
        availableParallelism(),
      )),
    );
  if (wantsE2e) results.push(...(await runEndToEnd(chosen.filter(isE2e))));

  const sum = (key: 'passed' | 'failed' | 'skipped'): number => results.reduce((n, r) => n + r[key], 0);
  for (const bad of results.filter(r => r.failed > 0)) process.stdout.write(`failed: ${bad.file}\n`);
  if (results.length === 0) process.stdout.write('no test file matches\n');
  const noSkips = process.env.CI === 'true' && sum('skipped') > 0;
  if (noSkips) process.stdout.write('skipped tests are failures under CI\n');
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`);
  process.exitCode = sum('failed') > 0 || sum('passed') === 0 || noSkips ? 1 : 0;
}

/** Where the lab cannot run, each file counts as one skip, and the reason is said. */
async function runEndToEnd(files: string[]): Promise<Result[]> {
  const reason = whyNoLab();
  if (reason === undefined) return runAll(files, 1);
  process.stdout.write(`SKIPPED the end-to-end tests: ${reason}\n`);
  return files.map(file => ({ file, passed: 0, failed: 0, skipped: 1 }));
}

async function runAll(files: string[], parallel: number): Promise<Result[]> {
  const queue = [...files];
  const results: Result[] = [];
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift())
      results.push(await runFile(file));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

function runFile(file: string): Promise<Result> {
  return new Promise(resolve => {
    const limit = file.startsWith('test/e2e/') ? FILE_LIMIT_MS.e2e : FILE_LIMIT_MS.fast;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limit,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.on('data', chunk => {
      output += chunk;
    });
    child.stderr.on('data', chunk => {
      output += chunk;
    });
    const started = Date.now();
    child.on('close', (status, signal) => {
      const counts = COUNTS_LINE.exec(output);
      const [passed, failed, skipped] = counts ? counts.slice(1, 4).map(Number) : [0, 1, 0];
      const result: Result = { file, passed: passed ?? 0, failed: failed ?? 1, skipped: skipped ?? 0 };
      if (status !== 0 && result.failed === 0) result.failed = 1;
      const mark = result.failed > 0 ? 'FAIL' : 'ok  ';
      process.stdout.write(`${mark} ${file} (${result.passed} passed, ${Date.now() - started} ms)\n`);
      if (result.failed > 0) {
        const cause = signal ? `stopped by ${signal} after ${limit} ms or less\n` : '';
        process.stdout.write(`${output.replace(COUNTS_LINE, '').trimEnd()}\n${cause}`);
      } else if (result.skipped > 0) {
        process.stdout.write(
          output
            .split('\n')
            .filter(line => line.startsWith('SKIPPED'))
            .join('\n')
            .concat('\n'),
        );
      }
      resolve(result);
    });
  });
}

await main();
