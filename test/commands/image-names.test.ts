import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { tarOf } from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { airferry, inFolder, saveArchive } from './airferry.ts';

const test = suite('commands/image retag and import', { timeout: 60_000 });

test('retag gives one image its new name, and list shows it', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'mysql.tar'), 'mysql:8');
    const ended = await airferry(['image', 'retag', 'mysql.tar', 'mysql:8', 'hub.company.com/db/mysql:8'], {
      cwd,
    });
    assert.is(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /mysql:8\s+hub\.company\.com\/db\/mysql:8\s+retagged/);
    const listed = await airferry(['image', 'list', 'mysql.tar', '--json'], { cwd });
    assert.equal(JSON.parse(listed.stdout).images[0].names, ['hub.company.com/db/mysql:8']);
  }));

test('retag --dry-run says what would change, as JSON too, and changes nothing', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'mysql.tar'), 'mysql:8');
    const argv = ['image', 'retag', 'mysql.tar', '*=hub.company.com/*', '--dry-run'];
    const shown = await airferry(argv, { cwd });
    assert.match(shown.stdout, '1 name would change; nothing was written');
    const { dryRun, images } = JSON.parse((await airferry([...argv, '--json'], { cwd })).stdout);
    assert.equal([dryRun, images[0].to, images[0].outcome], [true, ['hub.company.com/mysql:8'], 'planned']);
    const listed = await airferry(['image', 'list', 'mysql.tar', '--json'], { cwd });
    assert.equal(JSON.parse(listed.stdout).images[0].names, ['mysql:8']);
  }));

test('a rule that changes no name is told, and so is a file of which none does', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'mysql.tar'), 'mysql:8');
    await writeFile(join(cwd, 'rules.txt'), 'redis=hub.company.com/redis\nnginx=hub.company.com/nginx\n');
    const rules = ['mysqll=db', 'mysql=hub.company.com/mysql', '--retag-file', 'rules.txt'];
    const retagged = await airferry(['image', 'retag', 'mysql.tar', ...rules, '--dry-run'], { cwd });
    const argv = ['image', 'copy', 'mysql.tar', 'oci:out', '--retag', 'mysqll=db', '--retag', 'mysql=data'];
    const copied = await airferry(argv, { cwd });
    for (const { status, stderr } of [retagged, copied]) {
      assert.is(status, 0, stderr);
      assert.match(stderr, 'the rule mysqll=db changed no name');
      assert.not.match(stderr, 'the rule mysql=');
    }
    assert.match(retagged.stderr, 'of 2 rules in rules.txt none matches a name');
  }));

test('retag without rules and names, or with a mixture, is a mistake in usage', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'mysql.tar'), 'mysql:8');
    for (const words of [[], ['mysql:8'], ['mysql:8', 'a=b'], ['a', 'b', 'c']]) {
      const ended = await airferry(['image', 'retag', 'mysql.tar', ...words], { cwd });
      assert.is(ended.status, 2, words.join(' '));
      assert.match(ended.stderr, 'it is not clear what is to be called what');
    }
  }));

test('import makes an image of a root file system, once; a second time it wants --force', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'rootfs.tar'), await tarOf({ 'etc/motd': 'welcome' }));
    const argv = ['image', 'import', 'rootfs.tar', 'site/tool:1', '-o', 'tool.tar', '-c', 'CMD ["/tool"]'];
    const ended = await airferry(argv, { cwd });
    assert.is(ended.status, 0, ended.stderr);
    assert.match(
      ended.stdout,
      /^site\/tool:1 for linux\/amd64, image ID sha256:[0-9a-f]{12}: .* to docker-archive:tool\.tar$/m,
    );
    const again = await airferry(argv, { cwd });
    assert.match(again.stderr, '--force');
    assert.not.equal(again.status, 0);
    const json = await airferry([...argv, '--force', '--created', '0', '--json'], { cwd });
    assert.is(JSON.parse(json.stdout).created, '1970-01-01T00:00:00Z');
  }));

test('import says what is wrong with a change, and what was meant', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'rootfs.tar'), await tarOf({ 'etc/motd': 'welcome' }));
    const ended = await airferry(
      ['image', 'import', 'rootfs.tar', 'x', '-o', 'x.tar', '-c', 'ENTRIPOINT x'],
      { cwd },
    );
    assert.is(ended.status, 2);
    assert.match(ended.stderr, 'Did you mean ENTRYPOINT?');
  }));

test.run();
