import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { FINGERPRINT } from '../../src/host/hashing.ts';
import { parseSurvey, surveyHost } from '../../src/phases/survey.ts';
import { suite } from '../support/suite.ts';
import { localShell } from './context.ts';

const test = suite('survey');
let dir: string;

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-survey-'));
});
test.after(() => rmSync(dir, { recursive: true }));

test('the script tells files with hash and mode, links, folders and what is not there', async () => {
  const path = (name: string): string => join(dir, name);
  writeFileSync(path('it’s a "file"'), 'content');
  chmodSync(path('it’s a "file"'), 0o640);
  mkdirSync(path('folder'));
  symlinkSync('folder', path('link'));
  const asked = ['it’s a "file"', 'folder', 'link', 'nothing'].map(path);
  const { paths, contents } = await surveyHost(localShell(), {
    paths: asked,
    contents: [path('it’s a "file"')],
    units: [],
  });
  const sha256 = createHash('sha256').update('content').digest('hex');
  assert.equal(
    asked.map(name => paths.get(name)),
    [
      { kind: 'file', mode: '0640', size: 7, sha256 },
      { kind: 'dir' },
      { kind: 'link', target: 'folder' },
      { kind: 'absent' },
    ],
  );
  assert.is(contents.get(path('it’s a "file"')), 'content');
});

test('a file whose inode says what it said is not hashed again; one that was touched in any way is', async () => {
  const names = ['same', 'rewritten', 'mode', 'replaced', 'odd * "$HOME" =name', 'new'];
  const [same, rewritten, mode, replaced, odd, fresh] = names.map(name => join(dir, name)) as string[];
  const files = [same, rewritten, mode, replaced, odd, fresh] as string[];
  for (const file of files) writeFileSync(file, 'content');
  const fingerprint = (file: string): string =>
    spawnSync('stat', ['-c', FINGERPRINT, file], { encoding: 'utf8' }).stdout.trim();
  const remembered = 'f'.repeat(64);
  const known = files.slice(0, -1).map(path => ({ path, sha256: remembered, seen: fingerprint(path) }));
  // As somebody would who wants it not to be seen: the same size, and its time put back.
  const { mtime, atime } = statSync(rewritten as string);
  writeFileSync(rewritten as string, 'CONTENT');
  utimesSync(rewritten as string, atime, mtime);
  chmodSync(mode as string, 0o600);
  writeFileSync(`${replaced}.new`, 'content');
  renameSync(`${replaced}.new`, replaced as string);
  const { paths } = await surveyHost(localShell(), { paths: files, known, contents: [], units: [] });
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const told = files.map(file => {
    const state = paths.get(file);
    return state?.kind === 'file' ? state.sha256 : undefined;
  });
  const [content, changed] = [hash('content'), hash('CONTENT')];
  assert.equal(told, [remembered, changed, content, content, remembered, content]);
});

test('many links are told with the target of each, odd ones included', async () => {
  const path = (name: string): string => join(dir, name);
  const links = { plain: 'a', 'with blank *': '$HOME/b c', dangling: '/nowhere/at all' };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, path(name));
  const ask = async (): Promise<unknown[]> => {
    const asked = Object.keys(links).map(path);
    const { paths } = await surveyHost(localShell(), { paths: asked, contents: [], units: [] });
    return asked.map(name => paths.get(name));
  };
  const expected = Object.values(links).map(target => ({ kind: 'link', target }));
  assert.equal(await ask(), expected);
  // A target of two lines, as nobody writes them: it must not shift the others.
  symlinkSync('two\nlines', path('odd'));
  const { paths } = await surveyHost(localShell(), {
    paths: [path('odd'), path('plain')],
    contents: [],
    units: [],
  });
  assert.equal(paths.get(path('plain')), { kind: 'link', target: 'a' });
});

test('units are read from what systemctl prints', () => {
  const answer = `unit=Id=docker.service
unit=ActiveState=inactive
unit=UnitFileState=enabled
unit=
unit=Id=containerd.service
unit=ActiveState=active
unit=UnitFileState=
end=1
`;
  const survey = parseSurvey(answer, []);
  assert.equal(survey?.units.get('docker.service'), { active: 'inactive', enabled: 'enabled' });
  assert.equal(survey?.units.get('containerd.service'), { active: 'active', enabled: '' });
});

test('an answer that was cut short is none', () => {
  assert.is(parseSurvey('dir=/etc\n', ['/etc']), undefined);
});

test.run();
