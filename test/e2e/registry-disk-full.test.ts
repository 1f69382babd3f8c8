/** A registry whose disk is full: distribution, and our own; what a push says of it, and what the next one does. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { ImagesCopied } from '../../src/actions/copied.ts';
import type { ErrorDocument } from '../../src/cli/error-view.ts';
import { digestOf } from '../../src/content/digest.ts';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { run } from '../lab/exec.ts';
import { manifestOf, noise, ociArchive, writeTo } from '../support/archives.ts';
import { Distributions } from '../support/distribution.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { randomImage } from './badday.ts';
import { end, serve } from './serving.ts';

const test = suite('a registry whose disk is full', { timeout: 120_000 });
const folder = scratch();
const disk = join(folder, 'disk');
const registries = new Distributions();

test.before(() => {
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'airferry-test', disk]);
});

test.after(async () => {
  await registries.end();
  execFileSync('umount', [disk]);
});

/** Start a registry that keeps its content in a folder; its address, and how to end it. */
const KINDS: Record<string, (storage: string) => Promise<{ address: string; stop(): Promise<void> }>> = {
  distribution: storage => registries.start('open', storage),
  'registry serve': async storage => {
    const serving = await serve('--storage', storage);
    return { address: serving.address, stop: () => end(serving, 'SIGTERM') };
  },
};

interface Answer {
  document: ImagesCopied & { error?: ErrorDocument };
  code: number | null;
}

async function push(source: string, address: string): Promise<Answer> {
  const argv = ['bin/dev.js', 'image', 'push', source, address, '--plain-http', '--json'];
  const { code, stdout } = await run([process.execPath, ...argv], {
    env: { DOCKER_CONFIG: folder, XDG_STATE_HOME: folder, XDG_CACHE_HOME: folder },
  });
  return { document: JSON.parse(stdout), code };
}

/** Leave so many bytes free on the disk. */
function leave(bytes: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'ballast'), noise(Math.max(0, bavail * bsize - bytes)));
}

for (const [name, start] of Object.entries(KINDS))
  for (const room of [0, 300_000])
    test(`${name}, with room for ${room} bytes: the push says whose disk it is, no name stands, and the next one goes on`, async () => {
      const storage = join(disk, `${name.replace(' ', '-')}-${room}`);
      mkdirSync(storage);
      const image = await randomImage('plant/app:1.0');
      const source = writeTo(folder, 'app.tar', await ociArchive([image]));
      const { address, stop } = await start(storage);
      const manifest = async (): Promise<Response> =>
        fetch(`http://${address}/v2/plant/app/manifests/1.0`, { headers: { accept: OCI_MANIFEST } });
      try {
        leave(room);
        const { document, code } = await push(source, address);
        const { code: told, message, suggestions } = document.error ?? {};
        assert.equal([code, told], [7, 'REGISTRY_FAILED'], JSON.stringify(document));
        assert.is(message, `the storage of ${address} is full`);
        assert.match(suggestions?.[0] ?? '', 'Make room there');
        assert.is(document.error?.where.url?.startsWith(`http://${address}/v2/plant/app/`), true);
        assert.is((await manifest()).status, 404);
        rmSync(join(disk, 'ballast'));
        const again = await push(source, address);
        assert.is(again.code, 0, JSON.stringify(again.document));
        const answer = await manifest();
        assert.is(digestOf(Buffer.from(await answer.arrayBuffer())), digestOf(manifestOf(image)));
      } finally {
        await stop();
        rmSync(join(disk, 'ballast'), { force: true });
        rmSync(storage, { recursive: true });
      }
    });

test.run();
