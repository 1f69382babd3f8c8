/** What the tests of a registry's bad days share: a real registry, a proxy before it, fresh images, and the proof at the end. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { ImagesCopied } from '../../src/actions/copied.ts';
import { pushImages } from '../../src/actions/image-push.ts';
import type { ErrorDocument } from '../../src/cli/error-view.ts';
import type { Descriptor } from '../../src/content/descriptor.ts';
import { digestOf } from '../../src/content/digest.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { Meter } from '../../src/support/meter.ts';
import { must, type Outcome, run } from '../lab/exec.ts';
import {
  dockerArchive20,
  imageOf,
  layerOf,
  ociArchive,
  type TestImage,
  writeTo,
} from '../support/archives.ts';
import { type Distribution, Distributions } from '../support/distribution.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';

export interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

/** One bad day: a proxy of its own, and an image that no other day has. */
export interface Day {
  proxy: FaultProxy;
  image: TestImage;
  /** `bad/day-1:1.0` */
  name: string;
  /** The image as an OCI archive, whose blobs have their digests from the start. */
  oci: string;
  /** And as `docker save` writes it, whose layers get theirs as they are compressed. */
  saved: string;
  /** A folder for what the test writes. */
  folder: string;
  /** Run a command to its end; what it prints under `--json`. */
  airferry(...argv: string[]): Promise<ImagesCopied>;
  /** Run a command that has to fail with that code; the error that it prints. */
  refused(code: ErrorCode, ...argv: string[]): Promise<ErrorDocument>;
  /** Push the image, through the proxy. */
  push(source: string): Promise<ImagesCopied>;
}

/** The registry of a test file and its bad days. */
export class BadDays {
  readonly #registries = new Distributions();
  #real: Distribution | undefined;
  #days = 0;

  async start(): Promise<void> {
    // No login and no records of this machine.
    process.env.DOCKER_CONFIG = this.#registries.dir;
    process.env.XDG_STATE_HOME = this.#registries.dir;
    this.#real = await this.#registries.start();
  }

  end(): Promise<void> {
    return this.#registries.end();
  }

  /** The address of the registry itself, where nothing goes wrong. */
  get address(): string {
    return this.#real?.address ?? '';
  }

  /** A test body with a day of its own, on which every trouble that was arranged has to come. */
  day(body: (day: Day) => Promise<void>): () => Promise<void> {
    return async () => {
      const proxy = await startFaultProxy(this.address);
      const { dir } = this.#registries;
      const folder = join(dir, `day-${++this.#days}`);
      mkdirSync(folder);
      const name = `bad/day-${this.#days}:1.0`;
      const image = await randomImage(name);
      const airferry = async (...argv: string[]): Promise<Outcome> =>
        run([process.execPath, 'bin/dev.js', ...argv, '--plain-http', '--json']);
      const day: Day = {
        proxy,
        image,
        name,
        folder,
        oci: writeTo(dir, `day-${this.#days}.oci.tar`, await ociArchive([image])),
        saved: writeTo(dir, `day-${this.#days}.tar`, await dockerArchive20([image])),
        airferry: async (...argv) => {
          const { code, stdout, stderr } = await airferry(...argv);
          assert.is(code, 0, `airferry ${argv.join(' ')}: ${stdout}${stderr}`);
          return JSON.parse(stdout) as ImagesCopied;
        },
        refused: async (code, ...argv) => {
          const { stdout, stderr } = await airferry(...argv);
          const { error } = JSON.parse(stdout) as { error?: ErrorDocument };
          assert.is(error?.code, code, `airferry ${argv.join(' ')}: ${stdout}${stderr}`);
          return error as ErrorDocument;
        },
        push: source => day.airferry('image', 'push', source, proxy.address),
      };
      try {
        await body(day);
        assert.is(proxy.pending(), 0, 'every trouble came');
      } finally {
        await proxy.close();
      }
    };
  }

  /**
   * Hold what the registry has under a name against the image that was pushed there, every byte of it: by skopeo's
   * reading, and by fetching and hashing each blob. Then a second push has nothing to send. Gives back the manifest.
   */
  async proven(day: Day, source: string, name = day.name, rules: string[] = []): Promise<Manifest> {
    const { image, proxy } = day;
    const bytes = await this.raw(name);
    const manifest: Manifest = JSON.parse(bytes);
    assert.is(manifest.config.digest, image.id);
    const diffIds: string[] = [];
    for (const blob of [manifest.config, ...manifest.layers]) {
      const [repository] = name.split(':');
      const answer = await fetch(`http://${this.address}/v2/${repository}/blobs/${blob.digest}`);
      const content = Buffer.from(await answer.arrayBuffer());
      assert.equal([digestOf(content), content.length], [blob.digest, blob.size]);
      if (blob !== manifest.config) diffIds.push(digestOf(gunzipSync(content)));
    }
    assert.equal(diffIds, image.diffIds);
    assert.is(proxy.pending(), 0, 'every trouble came');
    proxy.heal();
    const before = proxy.seen.length;
    const meter = new Meter();
    const again = await pushImages({
      sources: [source],
      registry: proxy.address,
      targetPlainHttp: true,
      rules: rules.map(parseRetagRule),
      meter,
    });
    const told = again.images.find(({ digest }) => digest === digestOf(bytes));
    assert.equal([again.moved.blobs, told?.outcome], [0, 'present']);
    assert.ok(
      proxy.seen.slice(before).every(({ method }) => method === 'HEAD' || method === 'GET'),
      'nothing is written twice',
    );
    return manifest;
  }

  /** The manifest that stands under a name, as skopeo reads it. */
  raw(name: string): Promise<string> {
    return must(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${this.address}/${name}`]);
  }

  /** Whether the registry has anything under a name. */
  async has(name: string): Promise<boolean> {
    const [repository, tag] = name.split(':');
    const accept =
      'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
    const answer = await fetch(`http://${this.address}/v2/${repository}/manifests/${tag}`, {
      headers: { accept },
    });
    await answer.arrayBuffer();
    return answer.ok;
  }
}

/** An image of three layers that compress to nothing less; 700 kB in all. */
export async function randomImage(name: string, base?: Uint8Array): Promise<TestImage> {
  const sizes = base ? [150_000] : [250_000, 150_000, 300_000];
  const layers = await Promise.all(sizes.map((size, i) => layerOf(`layer-${i}`, randomBytes(size))));
  const seed = createHash('sha256').update(name).digest('hex');
  return imageOf([name], base ? [base, ...layers] : layers, { env: [`DAY=${seed}`] });
}
