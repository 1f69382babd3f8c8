import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { emptyState, type InstalledFile } from '../../src/host/state.ts';
import { hostsScript, operatorsAddress } from '../../src/phases/etc-hosts.ts';
import { planFiles, REPLACED_DIR, replacedPath, textFile } from '../../src/phases/place-files.ts';
import { planLinks, setLinks } from '../../src/phases/place-links.ts';
import { planUndo, runUndo } from '../../src/phases/undo.ts';
import { suite } from '../support/suite.ts';
import { context, localShell, survey } from './context.ts';

const test = suite('files on a host');
const PATH = '/etc/site/motd';
const OURS = textFile(PATH, 'ours');
const FOREIGN = { kind: 'file', mode: '0644', size: 6, sha256: 'f'.repeat(64) } as const;
const RIGHT = { kind: 'file', mode: '0644', size: 4, sha256: OURS.sha256 } as const;
const ENTRY: InstalledFile = { path: PATH, kind: 'file', sha256: OURS.sha256, mode: '0644' };
const KEPT = { ...ENTRY, replaced: replacedPath(PATH) };
let dir: string;

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-files-'));
});
test.after(() => rmSync(dir, { recursive: true }));

const plan = (now: Parameters<typeof survey>[0], files: InstalledFile[] = []): ReturnType<typeof planFiles> =>
  planFiles(context({ survey: survey(now), state: { ...emptyState(), files } }), [OURS]);

test('a file that is not there is written, and folders that are made for it are ours', () => {
  const { changes, files } = plan({
    [PATH]: { kind: 'absent' },
    '/etc': { kind: 'dir' },
    '/etc/site': { kind: 'absent' },
  });
  assert.equal(changes, [`write ${PATH}`]);
  assert.equal(files, [{ path: '/etc/site', kind: 'dir' }, ENTRY]);
});

test('a file that is right and recorded needs nothing; one that was right before us is not ours', () => {
  assert.equal(plan({ [PATH]: RIGHT }, [ENTRY]).files, []);
  assert.equal(plan({ [PATH]: RIGHT }).files, []);
});

test("the operator's file is kept before it is replaced, and only once", () => {
  const first = plan({ [PATH]: FOREIGN });
  assert.match(first.changes[0] ?? '', 'what was there is kept');
  assert.equal(first.files, [KEPT]);
  assert.ok(KEPT.replaced.startsWith(REPLACED_DIR));
  const interrupted = plan({ [PATH]: FOREIGN, [KEPT.replaced]: { kind: 'absent' } }, [KEPT]);
  assert.match(interrupted.changes[0] ?? '', 'what was there is kept');
  const changed = plan({ [PATH]: FOREIGN, [KEPT.replaced]: FOREIGN }, [KEPT]);
  assert.match(changed.changes[0] ?? '', 'somebody changed it');
  assert.equal(changed.files, [KEPT]);
});

test('a folder in the place of a file stops the host', () => {
  assert.throws(
    () => plan({ [PATH]: { kind: 'dir' } }),
    (error: unknown) => error instanceof AirferryError && error.code === 'HOST_PREFLIGHT',
  );
});

test('undo removes, restores, moves aside, or leaves alone', () => {
  const undo = (entry: InstalledFile, now: Parameters<typeof survey>[0]): string[] =>
    planUndo([entry], survey(now)).map(step => step.change);
  const aside = `move ${PATH} aside to ${PATH}.airferry-saved: somebody changed it`;
  assert.equal(undo(ENTRY, { [PATH]: RIGHT }), [`remove ${PATH}`]);
  assert.equal(undo(ENTRY, { [PATH]: FOREIGN }), [aside]);
  assert.equal(undo(ENTRY, { [PATH]: { kind: 'absent' } }), []);
  const original = { ...FOREIGN, sha256: 'e'.repeat(64) };
  assert.equal(undo(KEPT, { [PATH]: RIGHT, [KEPT.replaced]: original }), [`restore ${PATH}`]);
  assert.equal(undo(KEPT, { [PATH]: FOREIGN, [KEPT.replaced]: original }), [aside, `restore ${PATH}`]);
  assert.equal(
    undo(KEPT, { [PATH]: FOREIGN, [KEPT.replaced]: { kind: 'absent' } }),
    [],
    'it was never replaced',
  );
  assert.equal(
    undo(KEPT, { [PATH]: original, [KEPT.replaced]: original }),
    [`restore ${PATH}`],
    'kept, not yet replaced',
  );
});

test('what an interrupted run was about to replace is still ours, to write over and to take away', () => {
  const old = { ...FOREIGN, sha256: 'c'.repeat(64) };
  const recorded = { ...ENTRY, before: old.sha256 };
  assert.equal(plan({ [PATH]: old }, [{ ...ENTRY, sha256: old.sha256 }]).files, [recorded]);
  const again = plan({ [PATH]: old }, [recorded]);
  assert.equal([again.changes, again.files], [[`write ${PATH}`], [recorded]]);
  const undone = planUndo([recorded], survey({ [PATH]: old })).map(step => step.change);
  assert.equal(undone, [`remove ${PATH}`]);
  const kept = { ...KEPT, before: old.sha256 };
  const theirs = { ...FOREIGN, sha256: 'e'.repeat(64) };
  const restored = planUndo([kept], survey({ [PATH]: old, [KEPT.replaced]: theirs })).map(
    step => step.change,
  );
  assert.equal(restored, [`restore ${PATH}`]);
  // Once it is written there is nothing to remember.
  assert.equal(plan({ [PATH]: RIGHT }, [recorded]).files, []);
});

test('undo on a real file system puts the original back, and a second time does nothing', async () => {
  const [path, kept] = [join(dir, "it's"), join(dir, 'kept')];
  writeFileSync(path, 'ours');
  writeFileSync(kept, 'theirs');
  const entry = { ...KEPT, path, replaced: kept };
  const steps = planUndo([entry], survey({ [path]: RIGHT, [kept]: FOREIGN }));
  await runUndo(localShell(), steps);
  assert.is(readFileSync(path, 'utf8'), 'theirs');
  await runUndo(localShell(), steps);
  assert.is(readFileSync(path, 'utf8'), 'theirs');
  assert.not.ok(existsSync(kept));
});

test('a release is removed as a whole; other folders only when they are empty', () => {
  const files: InstalledFile[] = [
    { path: '/opt/airferry', kind: 'dir' },
    { path: '/opt/airferry/releases/20.10.24-aaaaaaaaaaaa', kind: 'dir' },
    {
      path: '/opt/airferry/releases/20.10.24-aaaaaaaaaaaa/bin/dockerd',
      kind: 'file',
      sha256: 'a'.repeat(64),
      mode: '0755',
    },
    { path: '/etc/docker', kind: 'dir' },
  ];
  const there = Object.fromEntries(files.map(({ path }) => [path, { kind: 'dir' } as const]));
  assert.equal(
    planUndo(files, survey(there)).map(step => step.call),
    ['rm -rf -- /opt/airferry/releases/20.10.24-aaaaaaaaaaaa', 'empty /opt/airferry', 'empty /etc/docker'],
  );
});

test('links are set in one step, and not in the place of a file', async () => {
  const path = join(dir, 'bin', 'dockerd');
  const link = { path, target: '/opt/airferry/current/bin/dockerd' };
  await setLinks(localShell(), [link]);
  assert.is(readlinkSync(path), link.target);
  await setLinks(localShell(), [{ path, target: '/opt/airferry/current/bin/other' }]);
  assert.is(readlinkSync(path), '/opt/airferry/current/bin/other');
  assert.throws(() => planLinks(context({ survey: survey({ [path]: FOREIGN }) }), [link]), /in the way/);
  const theirs = survey({ [path]: { kind: 'link', target: '/usr/lib/docker/dockerd' } });
  assert.throws(() => planLinks(context({ survey: theirs }), [link]), /in the way/);
});

test('a line goes into /etc/hosts and out again without a trace', async () => {
  const file = join(dir, 'hosts');
  const script = (line: string | undefined, open: boolean): string =>
    hostsScript(line, open).replaceAll('/etc/hosts', file).replaceAll('/etc/.hosts', join(dir, '.hosts'));
  for (const before of ['127.0.0.1 localhost\n\n# end\n', '127.0.0.1 localhost\n\n# end', '']) {
    writeFileSync(file, before, { mode: 0o640 });
    const open = before !== '' && !before.endsWith('\n');
    await localShell().run(script('1.2.3.4 hub # airferry', open));
    await localShell().run(script('1.2.3.5 hub # airferry', open));
    const newline = open ? '\n' : '';
    assert.is(readFileSync(file, 'utf8'), `${before}${newline}1.2.3.5 hub # airferry\n`);
    await localShell().run(script(undefined, open));
    assert.is(readFileSync(file, 'utf8'), before);
    assert.is(lstatSync(file).mode & 0o777, 0o640);
  }
});

test("the operator's own lines in /etc/hosts are read as the resolver reads them", () => {
  const lines = ['# 9.9.9.9 hub', '1.1.1.1\tother HUB # note', '2.2.2.2 hub', '3.3.3.3 hub # airferry'];
  assert.is(operatorsAddress(lines, 'hub'), '1.1.1.1');
  assert.is(operatorsAddress(['3.3.3.3 hub # airferry'], 'hub'), undefined);
});

test.run();
