/**
 * A Docker engine in memory behind a real unix socket: the part of its API that carries images. It saves in each dialect,
 * loads archives that leave out what it has, and can be made to fail. Every request is written down.
 */
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, posix } from 'node:path';
import type { Digest } from '../../src/content/digest.ts';
import { digestOf } from '../../src/content/digest.ts';
import { chainIds } from '../../src/content/manifest.ts';
import { familiarName, parseReference } from '../../src/content/reference.ts';
import { walkTar } from '../../src/tar/walk.ts';
import {
  dockerArchive20,
  dockerArchive26,
  dockerArchive26Files,
  gzipped,
  manifestOf,
  type TestImage,
  tarOf,
} from './archives.ts';
import { scratch } from './scratch.ts';

/** How it saves: as engines before 25, from 25 on, or those that keep images in containerd's store. */
export type Dialect = '20' | '26' | 'containerd';

type Fault = (req: IncomingMessage, res: ServerResponse, proceed: () => void) => void;

export interface FakeEngine {
  /** `unix:///…` */
  address: string;
  seen: { method: string; path: string; bytes: number }[];
  /** By ID. */
  images: Map<string, TestImage>;
  /** By familiar name. */
  names: Map<string, string>;
  /** Layer files of the last archive that was loaded. */
  loadedFiles: string[];
  /** Answers to what is asked, instead of its own. */
  fault: Fault | undefined;
  /** What it says after a load, besides. */
  loadError: string | undefined;
  apiVersion: string;
  close(): void;
}

/** Start an engine that has these images. */
export async function fakeEngine(
  images: readonly TestImage[] = [],
  dialect: Dialect = '26',
): Promise<FakeEngine> {
  const path = join(scratch(), 'docker.sock');
  const idOf = (image: TestImage): string =>
    dialect === 'containerd' ? digestOf(manifestOf(image, gzipped)) : image.id;
  const engine: FakeEngine = {
    address: `unix://${path}`,
    seen: [],
    images: new Map(images.map(image => [idOf(image), image])),
    names: new Map(
      images.flatMap(image => image.names.map(name => [familiarName(parseReference(name)), idOf(image)])),
    ),
    loadedFiles: [],
    fault: undefined,
    loadError: undefined,
    apiVersion: dialect === '20' ? '1.41' : '1.45',
    close: () => {
      server.closeAllConnections();
      server.close();
      rmSync(path, { force: true });
    },
  };
  const brain = new Brain(engine, dialect, idOf);
  const server = createServer((req, res) => {
    const entry = { method: req.method ?? '', path: req.url ?? '', bytes: 0 };
    engine.seen.push(entry);
    const proceed = (): void => {
      brain.answer(req, res, entry).catch(error => {
        if (!res.headersSent) res.writeHead(500);
        res.end(JSON.stringify({ message: String(error) }));
      });
    };
    if (engine.fault) engine.fault(req, res, proceed);
    else proceed();
  });
  await new Promise<void>(resolve => server.listen(path, resolve));
  server.unref();
  return engine;
}

class Brain {
  readonly #engine: FakeEngine;
  readonly #dialect: Dialect;
  readonly #idOf: (image: TestImage) => string;

  constructor(engine: FakeEngine, dialect: Dialect, idOf: (image: TestImage) => string) {
    this.#engine = engine;
    this.#dialect = dialect;
    this.#idOf = idOf;
  }

  async answer(req: IncomingMessage, res: ServerResponse, seen: { bytes: number }): Promise<void> {
    const { apiVersion } = this.#engine;
    res.setHeader('api-version', apiVersion);
    res.setHeader('server', `Docker/${this.#version()} (linux)`);
    const url = new URL(req.url ?? '/', 'http://docker');
    const path = decodeURIComponent(url.pathname).replace(/^\/v[0-9.]+/, '');
    const json = (status: number, body: unknown): void => {
      res.writeHead(status, { 'content-type': 'application/json' });
      res.end(JSON.stringify(body));
    };
    const route = `${req.method} ${path}`;
    if (route === 'GET /_ping') return void res.end('OK');
    if (route === 'GET /version') return json(200, { Os: 'linux', Arch: 'amd64' });
    if (route === 'GET /info') return json(200, this.#info());
    if (route === 'GET /images/json')
      return json(
        200,
        [...this.#engine.images.keys()].map(id => this.#describe(id)),
      );
    if (route === 'GET /images/get') return this.#save(url.searchParams.getAll('names'), res);
    if (route === 'POST /images/load') return this.#load(req, res, seen);
    const [, name = '', action = ''] = /^\/images\/(.+?)(?:\/(json|tag))?$/.exec(path) ?? [];
    const id = this.#find(name);
    if (id === undefined) return json(404, { message: `No such image: ${name}` });
    if (action === 'json') return json(200, this.#describe(id));
    if (req.method === 'POST') {
      const to = `${url.searchParams.get('repo')}:${url.searchParams.get('tag')}`;
      this.#engine.names.set(familiarName(parseReference(to)), id);
      res.writeHead(201).end();
      return;
    }
    this.#engine.names.delete(familiarName(parseReference(name)));
    if (![...this.#engine.names.values()].includes(id)) this.#engine.images.delete(id);
    json(200, [{ Untagged: name }]);
  }

  #find(name: string): string | undefined {
    if (name.startsWith('sha256:')) return this.#engine.images.has(name) ? name : undefined;
    return this.#engine.names.get(familiarName(parseReference(name)));
  }

  #info(): object {
    const status = this.#dialect === 'containerd' ? [['driver-type', 'io.containerd.snapshotter.v1']] : [];
    return { ServerVersion: this.#version(), DriverStatus: status };
  }

  #version(): string {
    return this.#dialect === '20' ? '20.10.24' : '26.1.5';
  }

  #describe(id: string): object {
    const image = this.#engine.images.get(id) as TestImage;
    const names = [...this.#engine.names].flatMap(([name, of]) => (of === id ? [name] : []));
    return {
      Id: id,
      RepoTags: names,
      RepoDigests: null,
      Size: image.layers.reduce((sum, { length }) => sum + length, 0),
      Os: image.platform.os,
      Architecture: image.platform.architecture,
      RootFS: { Layers: image.diffIds },
    };
  }

  async #save(names: string[], res: ServerResponse): Promise<void> {
    const images = names.flatMap(name => {
      const image = this.#engine.images.get(this.#find(name) ?? '');
      const tagged = name.startsWith('sha256:') ? [] : [familiarName(parseReference(name))];
      return image ? [{ ...image, names: tagged }] : [];
    });
    if (images.length < names.length) {
      res.writeHead(404, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ message: 'reference does not exist' }));
      return;
    }
    res.writeHead(200, { 'content-type': 'application/x-tar' });
    if (this.#dialect === '20') res.end(await dockerArchive20(images));
    else if (this.#dialect === '26') res.end(await dockerArchive26(images));
    else res.end(await tarOf(containerdFiles(images)));
  }

  async #load(req: IncomingMessage, res: ServerResponse, seen: { bytes: number }): Promise<void> {
    const files = new Map<string, Buffer>();
    const chunks = (async function* () {
      for await (const chunk of req) {
        seen.bytes += chunk.length;
        yield chunk as Uint8Array;
      }
    })();
    const links = new Map<string, string>();
    for await (const { header, body } of walkTar(chunks, 'the request')) {
      if (header.type === 'file') files.set(header.name, Buffer.concat(await Array.fromAsync(body)));
      if (header.type === 'symlink')
        links.set(header.name, posix.join(posix.dirname(header.name), header.linkname));
    }
    this.#engine.loadedFiles = [...files].flatMap(([name, bytes]) =>
      bytes.length >= 1024 && !'{['.includes(String.fromCharCode(bytes[0] ?? 0)) ? [name] : [],
    );
    for (const [name, target] of links) {
      const bytes = files.get(target);
      if (bytes) files.set(name, bytes);
    }
    res.writeHead(200, { 'content-type': 'application/json' });
    const lines = this.#engine.loadError ? [] : this.#take(files);
    if (lines.length > 0) res.write(`${JSON.stringify({ stream: `${lines.join('\n')}\n` })}\r\n`);
    const { loadError: message } = this.#engine;
    if (message) res.write(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
    res.end();
  }

  /** Keep the images of an archive; layers that are not in it have to be here, on top of the same ones. */
  #take(files: Map<string, Buffer>): string[] {
    const chains = new Set([...this.#engine.images.values()].flatMap(({ diffIds }) => chainIds(diffIds)));
    const saved: { Config: string; RepoTags: string[] | null; Layers: string[] }[] = JSON.parse(
      String(files.get('manifest.json')),
    );
    return saved.flatMap(({ Config, RepoTags, Layers }) => {
      const config = files.get(Config) as Buffer;
      const parsed = JSON.parse(String(config));
      const diffIds: Digest[] = parsed.rootfs.diff_ids;
      const here = chainIds(diffIds);
      const missing = Layers.find((path, i) => !files.has(path) && !chains.has(here[i] as Digest));
      if (missing && this.#dialect !== '20') throw new Error(`no layer ${missing}`);
      const { os, architecture } = parsed;
      const image: TestImage = {
        names: RepoTags ?? [],
        platform: { os, architecture },
        layers: Layers.map(path => files.get(path) ?? Buffer.alloc(0)),
        config,
        id: digestOf(config),
        diffIds,
      };
      for (const chain of here) chains.add(chain);
      const id = this.#dialect === 'containerd' ? this.#idOf(image) : image.id;
      this.#engine.images.set(id, image);
      for (const name of RepoTags ?? []) this.#engine.names.set(familiarName(parseReference(name)), id);
      return RepoTags?.map(name => `Loaded image: ${name}`) ?? [`Loaded image ID: ${id}`];
    });
  }
}

/** Without LayerSources, which only the engine's own store writes; layers compressed, as they came from a registry. */
function containerdFiles(images: TestImage[]): ReturnType<typeof dockerArchive26Files> {
  const files = dockerArchive26Files(images, gzipped);
  const saved = JSON.parse(String(files.get('manifest.json'))) as Record<string, unknown>[];
  for (const image of saved) delete image.LayerSources;
  files.delete('manifest.json');
  files.delete('repositories');
  files.set('manifest.json', JSON.stringify(saved));
  return files;
}
