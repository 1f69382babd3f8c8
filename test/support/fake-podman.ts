/**
 * Stands in for podman on a host of tests: a shell script that hands its words to this process by named pipes, so that no
 * program has to start for each. It keeps images in memory, pulls by plain HTTP, and fails as `faults` says.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { walkTar } from '../../src/tar/walk.ts';
import type { SshServer } from './ssh-server.ts';

/** Commands that are broken; `lie`: it tells of another platform than was sent. */
export type Fault = 'pull' | 'load' | 'lie';

const SCRIPT = `#!/bin/sh
[ "$1" = load ] && cat >"$HOME/stdin.tar"
printf '%s\\n' "$@" >"$HOME/ask"
{ read -r status; if [ $status = 0 ]; then cat; else cat >&2; fi; } <"$HOME/answer"
exit $status
`;
const QUIT = 'quit';

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export class FakePodman implements AsyncDisposable {
  /** By whole name: the image's ID. */
  readonly names = new Map<string, string>();
  readonly faults: Set<Fault>;
  readonly #configs = new Map<string, Buffer>();
  readonly #blobs = new Set<string>();
  readonly #home: string;
  readonly #served: Promise<void>;

  constructor(server: SshServer, faults: readonly Fault[]) {
    this.faults = new Set(faults);
    this.#home = server.home;
    for (const pipe of ['ask', 'answer']) execFileSync('mkfifo', [join(server.home, pipe)]);
    server.install('podman', SCRIPT);
    this.#served = this.#serve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await writeFile(join(this.#home, 'ask'), QUIT);
    await this.#served;
  }

  async #serve(): Promise<void> {
    for (;;) {
      const words = (await readFile(join(this.#home, 'ask'), 'utf8')).trimEnd().split('\n');
      if (words[0] === QUIT) return;
      const answer = await this.#do(words).then(
        lines => `0\n${lines.map(line => `${line}\n`).join('')}`,
        (error: unknown) => `125\nError: ${(error as Error).message}\n`,
      );
      await writeFile(join(this.#home, 'answer'), answer);
    }
  }

  async #do([command = '', ...words]: string[]): Promise<string[]> {
    const last = words.at(-1) ?? '';
    if ([...this.faults].some(fault => fault === command)) throw new Error(`${command} is broken`);
    switch (command) {
      case 'version':
        return ['4.3.1'];
      case 'images':
        return words[0] === '-aq'
          ? [...this.#configs.keys()]
          : [...this.names].map(([name, id]) => `name=${id} ${name}`);
      case 'image':
        return words.slice(words.indexOf('--format') + 2).map(name => this.#inspect(name, words));
      case 'pull':
        await this.#pull(last);
        return [];
      case 'load':
        return this.#load();
      case 'tag':
        this.names.set(last, this.names.get(words[0] ?? '') ?? '');
        return [];
      case 'untag':
        this.names.delete(last);
        return [];
      default:
        throw new Error(`what is ${command}?`);
    }
  }

  #inspect(name: string, words: string[]): string {
    const id = this.names.get(name) ?? name;
    const config = this.#configs.get(id);
    if (!config) throw new Error(`${name}: image not known`);
    const layers = JSON.stringify(JSON.parse(String(config)).rootfs.diff_ids);
    if (words.includes('layers={{json .RootFS.Layers}}')) return `layers=${layers}`;
    return `${id.slice(7)} linux/${this.faults.has('lie') ? 'arm64' : 'amd64'} ${layers}`;
  }

  async #pull(reference: string): Promise<void> {
    const [, host, repository, digest] = /^([^/]+)\/(.+)@(sha256:.+)$/.exec(reference) ?? [];
    const base = `http://${host}/v2/${repository}`;
    const manifest = JSON.parse(String(await fetched(`${base}/manifests/${digest}`)));
    for (const { digest: blob } of manifest.layers as { digest: string }[]) {
      if (this.#blobs.has(blob)) continue;
      if (sha256(await fetched(`${base}/blobs/${blob}`)) !== blob) throw new Error(`${blob} is damaged`);
      this.#blobs.add(blob);
    }
    const config = await fetched(`${base}/blobs/${manifest.config.digest}`);
    this.#configs.set(sha256(config), config);
    this.names.set(reference, sha256(config));
  }

  /** Keeps the layers by the digest of their bytes in the archive, which are those of a pull. */
  async #load(): Promise<string[]> {
    const entries = new Map<string, Buffer>();
    const archive = createReadStream(join(this.#home, 'stdin.tar'));
    for await (const { header, body } of walkTar(archive, 'stdin'))
      entries.set(header.name, Buffer.concat(await Array.fromAsync(body)));
    const said: string[] = [];
    for (const { Config, RepoTags, Layers } of JSON.parse(String(entries.get('manifest.json')))) {
      const config = entries.get(Config) ?? Buffer.alloc(0);
      this.#configs.set(sha256(config), config);
      for (const name of Layers) {
        const layer = entries.get(name);
        if (!layer) throw new Error(`no ${name}`);
        this.#blobs.add(sha256(layer));
      }
      for (const name of RepoTags) {
        this.names.set(name, sha256(config));
        said.push(`Loaded image: ${name}`);
      }
    }
    return said;
  }
}

async function fetched(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
