/** Media that cannot be written to: a bundle is read where it lies, whole or in parts on several of them. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { inspectBundle } from '../../src/actions/bundle-inspect.ts';
import { verifyBundle } from '../../src/actions/bundle-verify.ts';
import { repairParts } from '../../src/bundle/parts/repair.ts';
import { retagBundle } from '../../src/bundle/retag.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { Meter } from '../../src/support/meter.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { create, refused, writeSite } from '../bundle/rig.ts';
import { noise } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('read-only media', { timeout: 60_000 });
const folder = scratch();
const disks = ['first', 'second', 'whole'].map(name => join(folder, name));
const [first = '', second = '', third = ''] = disks;

test.before(async () => {
  for (const disk of disks) {
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'airferry-test', disk]);
  }
  const made = scratch();
  writeFileSync(join(made, 'big'), noise(400_000));
  const recipe = `${await writeSite(made)}  - { from: ./big, to: /etc/big }\n`;
  const parts = join(made, 'parts');
  mkdirSync(parts);
  await create(made, recipe, {
    output: join(parts, 'site.tar'),
    parts: { partSize: 65_536, parity: true },
  });
  for (const [i, name] of readdirSync(parts).sort().entries())
    copyFileSync(join(parts, name), join(i % 2 === 0 ? first : second, name));
  await create(made, recipe, { output: join(third, 'site.tar') });
  for (const disk of disks) execFileSync('mount', ['-o', 'remount,ro', disk]);
});

test.after(() => {
  for (const disk of disks) execFileSync('umount', [disk]);
});

for (const [how, place] of Object.entries({
  'a bundle': { path: join(third, 'site.tar'), from: {} },
  'a bundle in parts on two of them': { path: join(first, 'site.tar'), from: { parts: [second] } },
})) {
  test(`${how} is verified, looked into, and its images are read`, async () => {
    const { path, from } = place;
    const report = await verifyBundle({ path, from, trustedKeys: [], meter: new Meter() });
    assert.equal(report.problems, []);
    assert.is((await inspectBundle({ path, from })).images.length, 2);
    const source = await openImageSource(path, from);
    let bytes = 0;
    for await (const layer of source.layers()) for await (const chunk of layer.open()) bytes += chunk.length;
    assert.ok(bytes > 0);
    await source.close();
    assert.equal(readdirSync(third), ['site.tar']);
  });
}

test('a part that is lost is made anew in another folder', async () => {
  const [lost = ''] = readdirSync(second);
  const output = scratch();
  const disk = scratch();
  for (const name of readdirSync(second))
    if (name !== lost) copyFileSync(join(second, name), join(disk, name));
  await repairParts({ path: join(first, 'site.tar'), parts: [disk], output, meter: new Meter() });
  assert.equal(readdirSync(output), [lost]);
  assert.is(statSync(join(output, lost)).size, statSync(join(second, lost)).size);
});

test('what would change a bundle there says so, with how to do it elsewhere', async () => {
  const rename = { rules: [parseRetagRule('*=hub.company.com/*')] };
  const error = await refused(
    () => retagBundle(join(third, 'site.tar'), rename),
    'FILE_UNWRITABLE',
    'read-only',
  );
  assert.match(error.suggestions.join(), 'airferry image copy');
});

test.run();
