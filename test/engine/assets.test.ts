import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { readAsset } from '../../src/engine/assets.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './expect.ts';

const test = suite('engine/assets');
const root = new URL('../../', import.meta.url).pathname;

test('the files of the package are found from the sources', () => {
  assert.is(
    readAsset('systemd', 'docker.service'),
    readFileSync(join(root, 'systemd/docker.service'), 'utf8'),
  );
});

test('the files of the package are found from the built program', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'airferry-package-'));
  try {
    mkdirSync(join(dir, 'dist/engine'), { recursive: true });
    writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
    mkdirSync(join(dir, 'dist/support'));
    for (const file of ['errors', 'engine/assets', 'support/package-root']) {
      const source = readFileSync(join(root, `src/${file}.ts`), 'utf8');
      writeFileSync(join(dir, `dist/${file}.js`), stripTypeScriptTypes(source).replaceAll(".ts'", ".js'"));
    }
    cpSync(join(root, 'systemd'), join(dir, 'systemd'), { recursive: true });
    const built = (await import(pathToFileURL(join(dir, 'dist/engine/assets.js')).href)) as {
      readAsset: typeof readAsset;
    };
    assert.is(built.readAsset('systemd', 'docker.service'), readAsset('systemd', 'docker.service'));
    rmSync(join(dir, 'systemd'), { recursive: true });
    assert.throws(() => built.readAsset('systemd', 'docker.service'), /systemd\/docker.service is missing/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a package that lost a file says so', async () => {
  const error = await refusal(
    () => readAsset('templates', 'daemon/none.json'),
    'INTERNAL',
    /templates\/daemon\/none.json is missing/,
  );
  assert.match(error.where.file ?? '', 'templates/daemon/none.json');
});

test.run();
