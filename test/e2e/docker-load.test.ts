/** A bundle is a docker-archive too: `docker load -i site.tar` takes it, on each engine and in each image store. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createBundle } from '../../src/actions/bundle-create.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { Meter } from '../../src/support/meter.ts';
import { tinyCorpus } from '../lab/corpus.ts';
import { forgetImages } from '../lab/forget-images.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import { suite } from '../support/suite.ts';

const test = suite('docker load of a bundle', { timeout: 300_000 });
let lab: Lab;

const ENGINES = [
  { host: 'h1', suite: 'bookworm', version: '20.10.24', daemon: {}, store: 'overlay2' },
  { host: 'h2', suite: 'trixie', version: '26.1.5', daemon: {}, store: 'overlay2' },
  {
    host: 'h3',
    suite: 'trixie',
    version: '26.1.5',
    daemon: { features: { 'containerd-snapshotter': true } },
    store: 'overlayfs',
  },
] as const;

test.before(async () => {
  lab = await Lab.up({ hosts: ENGINES.map(({ host, suite }) => ({ name: host, suite })) });
  for (const { host, version, daemon } of ENGINES) await installEngine(lab.host(host), version, daemon);
});

test.after(async () => {
  await lab?.down();
});

for (const dialect of ['save20', 'save26'] as const) {
  for (const { host: name, version, store } of ENGINES) {
    test(`engine ${version} with ${store} loads and runs what was packed from ${dialect}`, async () => {
      const corpus = await tinyCorpus();
      const host = lab.host(name);
      const text = `name: t\nversion: "1"\nimages: [{ archive: ${corpus[dialect]} }]\n`;
      const output = join(lab.dir, `${dialect}-${name}.tar`);
      await createBundle({
        recipe: parseRecipe(text, { file: join(lab.dir, 'bundle.yaml') }),
        output,
        meter: new Meter(),
      });
      await copyFile(output, join(host.root, 'root/site.tar'));
      assert.is((await host.sh('docker info --format "{{.Driver}}"')).trim(), store);
      await forgetImages(host);
      const said = await host.sh('docker load -i /root/site.tar 2>&1');
      for (const image of corpus.images) {
        assert.match(said, `Loaded image: ${image.name}`);
        const [id, ...layers] = (
          await host.sh(
            `docker image inspect --format '{{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}' ${image.name}`,
          )
        )
          .trim()
          .split(' ');
        assert.equal(layers, image.diffIds);
        if (store === 'overlay2') assert.is(id, image.id);
      }
      const ran = await host.sh('docker run --rm busybox:1.35 /bin/busybox echo ferried');
      assert.is(ran.trim(), 'ferried');
    });
  }
}

test.run();
