/** The start: what `bin/airferry.js` says where airferry cannot run. */
import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { type Ended, inFolder } from './airferry.ts';

const test = suite('start');
const BIN = fileURLToPath(new URL('../../bin', import.meta.url));

function node(...argv: string[]): Promise<Ended> {
  return new Promise(resolve => {
    const env = { PATH: process.env.PATH, HOME: '/nonexistent' };
    execFile(process.execPath, argv, { env }, (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('an old Node is named, with the one that is needed', () =>
  inFolder(async folder => {
    const pretend = join(folder, 'pretend.cjs');
    await writeFile(pretend, "Object.defineProperty(process.versions, 'node', { value: '20.19.2' });\n");
    const { status, stderr } = await node('--require', pretend, join(BIN, 'airferry.js'), '--version');
    assert.is(status, 1);
    assert.match(stderr, /^error: airferry needs Node 24\.18 or newer; this is Node 20\.19\.2 /);
  }));

test('a checkout that is not built says how to build it', () =>
  inFolder(async folder => {
    await cp(BIN, join(folder, 'bin'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const { status, stderr } = await node(join(folder, 'bin', 'airferry.js'), '--version');
    assert.is(status, 1);
    assert.match(stderr, 'npm run build');
  }));

test('the thread pool is made large enough before anything uses it, unless told otherwise', () =>
  inFolder(async folder => {
    await cp(BIN, join(folder, 'bin'), { recursive: true });
    await mkdir(join(folder, 'dist'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(
      join(folder, 'dist', 'main.js'),
      'export const main = argv => console.log(process.env.UV_THREADPOOL_SIZE >= 4, argv.join());\n',
    );
    const { stdout } = await node(join(folder, 'bin', 'airferry.js'), 'bundle', 'verify');
    assert.is(stdout, 'true bundle,verify\n');
  }));

test.run();
