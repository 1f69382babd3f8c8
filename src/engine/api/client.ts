/** The slice of the Docker Engine API that carrying images needs; engines from 18.03 (API 1.37) on. docs.docker.com/reference/api/engine */
import type { Digest } from '../../content/digest.ts';
import type { Platform } from '../../content/platform.ts';
import { familiarName, formatReference, type Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import { type EngineAnswer as EngineInfo, parseEngineInfo } from '../info.ts';
import { refusal, said, strange } from './failures.ts';
import { type EngineAnswer, EngineHttp, type EngineRequest, type EngineWire, textOf } from './http.ts';
import {
  type InspectedImage,
  type ListedImage,
  parseImageList,
  parseInspectedImage,
  parsePlatformOf,
} from './images.ts';
import { type EngineMessage, readMessages } from './messages.ts';

/** The newest version whose answers are known, and the oldest that is spoken. */
const NEWEST = [1, 51] as const;
const OLDEST = [1, 37] as const;
/** Saving one platform of several. */
const PLATFORM_SINCE = 48;

/** Bytes of an answer in JSON; an engine with ten thousand images says less. */
const ANSWER_LIMIT = 64 * 1024 * 1024;
/** Bytes of an error. */
const ERROR_LIMIT = 64 * 1024;
/** Milliseconds for a question. */
const QUESTION_MS = 120_000;
/** Milliseconds of silence while an engine works: before it sends an image it copies all of it, after it got one it unpacks it. */
const WORK_MS = 60 * 60_000;

/** What a load or pull said. */
export interface EngineWords {
  lines: string[];
  /** Why it failed, if it did. */
  error?: string;
}

/** An engine that answers. Close it when done. */
export interface EngineApi extends AsyncDisposable {
  /** For messages: `unix:///var/run/docker.sock`, `ssh://ops@h1`. */
  readonly description: string;
  /** What is spoken with it: `1.41`. */
  readonly version: string;
  /** Version, image store, data root. */
  info(): Promise<EngineInfo>;
  /** What it runs on, in the words of images. */
  platform(): Promise<Platform>;
  /** All images that have a name, and the dangling ones. */
  images(): Promise<ListedImage[]>;
  /** By name, name with digest, or ID; undefined when there is none. */
  inspect(image: Reference | Digest): Promise<InspectedImage | undefined>;
  /** Whether `save` can be asked for some platforms. */
  readonly savesPlatforms: boolean;
  /** The archive of images as `docker save` writes it. Throws IMAGE_NOT_FOUND. */
  save(images: readonly (Reference | Digest)[], platforms?: readonly Platform[]): AsyncGenerator<Uint8Array>;
  /** What `docker load` does. An error that the engine tells is returned: what it means is the caller's to say. */
  load(archive: AsyncIterable<Uint8Array>): Promise<EngineWords>;
  /** Give an image one more name; another image that bears it loses it. Throws IMAGE_NOT_FOUND. */
  tag(image: Reference | Digest, name: Reference): Promise<void>;
  /** Take a name away; an image without any other name goes with it, unless a container uses it. No name is no error. */
  removeName(name: Reference): Promise<void>;
  /**
   * Have the engine pull an image. `login` goes to the engine, for the registry of the name. `onMessage` is told of
   * progress. An error that the engine tells is returned.
   */
  pull(name: Reference, options?: PullOptions): Promise<EngineWords>;
  close(): Promise<void>;
}

export interface PullOptions {
  platform?: Platform;
  login?: { username: string; password: string };
  onMessage?: (message: EngineMessage) => void;
}

export interface ConnectOptions {
  signal?: AbortSignal;
  /** Called by `close`, after the last connection. */
  onClose?: () => Promise<void>;
}

/**
 * Ask who is there, and agree on a version. Throws ENGINE_NOT_READY, ENGINE_DENIED, ENGINE_TLS, and ENGINE_FAILED for what
 * is no engine, or one too old.
 */
export async function connectEngine(wire: EngineWire, options: ConnectOptions = {}): Promise<EngineApi> {
  const http = new EngineHttp(wire);
  try {
    const { signal } = options;
    const answer = await http.send({
      method: 'GET',
      path: '/_ping',
      patienceMs: QUESTION_MS,
      ...(signal ? { signal } : {}),
    });
    const text = await textOf(answer, ERROR_LIMIT);
    if (answer.status !== 200) throw refusal(wire.description, 'answer a ping', answer.status, text);
    return new Client(http, wire, agree(answer.headers['api-version'], wire.description), options);
  } catch (error) {
    http.close();
    throw error;
  }
}

/** The minor version to speak: the engine's own, or the newest that we know. */
function agree(offered: string | string[] | undefined, place: string): number {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(String(offered)) ?? [];
  if (major === undefined) throw strange(place, 'it does not tell its API version');
  if (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]) return Math.min(Number(minor), NEWEST[1]);
  if (Number(major) > NEWEST[0]) return NEWEST[1];
  throw new AirferryError(
    'ENGINE_FAILED',
    `the engine at ${place} is too old: it speaks API ${offered}, and ${OLDEST.join('.')} is the oldest known here`,
    { where: { url: place }, suggestions: ['Give the host an engine of version 18.03 or newer.'] },
  );
}

class Client implements EngineApi {
  readonly description: string;
  readonly version: string;
  readonly savesPlatforms: boolean;
  readonly #http: EngineHttp;
  readonly #options: ConnectOptions;

  constructor(http: EngineHttp, wire: EngineWire, minor: number, options: ConnectOptions) {
    this.#http = http;
    this.#options = options;
    this.description = wire.description;
    this.version = `1.${minor}`;
    this.savesPlatforms = minor >= PLATFORM_SINCE;
  }

  async info(): Promise<EngineInfo> {
    const text = await this.#text('tell about itself', '/info');
    const info = parseEngineInfo(text);
    if (info) return info;
    throw strange(this.description, 'it does not tell about itself as one does');
  }

  async platform(): Promise<Platform> {
    const platform = parsePlatformOf(await this.#json('tell its version', '/version'));
    if (platform) return platform;
    throw strange(this.description, 'it does not tell what it runs on');
  }

  async images(): Promise<ListedImage[]> {
    const images = parseImageList(await this.#json('list its images', '/images/json'));
    if (images) return images;
    throw strange(this.description, 'its list of images is none');
  }

  async inspect(image: Reference | Digest): Promise<InspectedImage | undefined> {
    const name = nameOf(image);
    const answer = await this.#send({ method: 'GET', path: `/images/${encodeURI(name)}/json` });
    const text = await textOf(answer, ANSWER_LIMIT);
    if (answer.status === 404) return undefined;
    this.#check(`show the image ${name}`, answer.status, text);
    const inspected = parseInspectedImage(this.#parse(text));
    if (inspected) return inspected;
    throw strange(this.description, `what it says of ${name} is no image`);
  }

  async *save(
    images: readonly (Reference | Digest)[],
    platforms: readonly Platform[] = [],
  ): AsyncGenerator<Uint8Array> {
    const query = new URLSearchParams(images.map((image): [string, string] => ['names', nameOf(image)]));
    // Several at once came later than one; and one that the image does not have is an error.
    if (this.savesPlatforms && platforms.length === 1) query.set('platform', JSON.stringify(platforms[0]));
    const doing = `save ${images.map(nameOf).join(', ')}`;
    const answer = await this.#send({ method: 'GET', path: `/images/get?${query}`, patienceMs: WORK_MS });
    if (answer.status === 200) {
      yield* answer.body;
      return;
    }
    const text = await textOf(answer, ERROR_LIMIT);
    if (answer.status === 404) throw notFound(this.description, images.map(nameOf).join(', '));
    this.#check(doing, answer.status, text);
  }

  async load(archive: AsyncIterable<Uint8Array>): Promise<EngineWords> {
    const answer = await this.#send({
      method: 'POST',
      path: '/images/load?quiet=1',
      headers: { 'content-type': 'application/x-tar' },
      body: archive,
      patienceMs: WORK_MS,
    });
    return this.#words('load images', answer);
  }

  async tag(image: Reference | Digest, name: Reference): Promise<void> {
    const query = new URLSearchParams({ repo: repositoryOf(name), tag: name.tag ?? 'latest' });
    const source = nameOf(image);
    const answer = await this.#send({ method: 'POST', path: `/images/${encodeURI(source)}/tag?${query}` });
    const text = await textOf(answer, ERROR_LIMIT);
    if (answer.status === 404) throw notFound(this.description, source);
    this.#check(`give ${source} the name ${familiarName(name)}`, answer.status, text);
  }

  async removeName(name: Reference): Promise<void> {
    const path = `/images/${encodeURI(nameOf(name))}?noprune=1`;
    const answer = await this.#send({ method: 'DELETE', path });
    const text = await textOf(answer, ANSWER_LIMIT);
    if (answer.status !== 404) this.#check(`remove the name ${familiarName(name)}`, answer.status, text);
  }

  async pull(name: Reference, { platform, login, onMessage }: PullOptions = {}): Promise<EngineWords> {
    const query = new URLSearchParams({
      fromImage: repositoryOf(name),
      tag: name.digest ?? name.tag ?? 'latest',
    });
    if (platform) query.set('platform', Object.values(platform).join('/'));
    const auth = login && { ...login, serveraddress: name.registry };
    const answer = await this.#send({
      method: 'POST',
      path: `/images/create?${query}`,
      headers: auth ? { 'x-registry-auth': Buffer.from(JSON.stringify(auth)).toString('base64url') } : {},
      patienceMs: WORK_MS,
    });
    if (answer.status !== 404) return this.#words(`pull ${familiarName(name)}`, answer, onMessage);
    return { lines: [], error: said((await textOf(answer, ERROR_LIMIT)) ?? 'not found') };
  }

  async close(): Promise<void> {
    this.#http.close();
    await this.#options.onClose?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #words(
    doing: string,
    answer: EngineAnswer,
    onMessage?: (message: EngineMessage) => void,
  ): Promise<EngineWords> {
    if (answer.status !== 200) this.#check(doing, answer.status, await textOf(answer, ERROR_LIMIT));
    const words: EngineWords = { lines: [] };
    for await (const message of readMessages(answer.body)) {
      onMessage?.(message);
      if (message.error !== undefined) words.error ??= said(message.error);
      else if (message.text && !message.progress) words.lines.push(...message.text.split('\n').map(said));
    }
    return words;
  }

  async #json(doing: string, path: string): Promise<unknown> {
    return this.#parse(await this.#text(doing, path));
  }

  async #text(doing: string, path: string): Promise<string> {
    const answer = await this.#send({ method: 'GET', path });
    const text = await textOf(answer, ANSWER_LIMIT);
    this.#check(doing, answer.status, text);
    if (text !== undefined) return text;
    throw strange(this.description, `its answer to ${path} is longer than ${ANSWER_LIMIT} bytes`);
  }

  #parse(text: string | undefined): unknown {
    try {
      return JSON.parse(text ?? '');
    } catch (cause) {
      throw strange(this.description, 'its answer is no JSON', cause);
    }
  }

  #check(doing: string, status: number, text: string | undefined): void {
    if (status >= 400 || status < 200) throw refusal(this.description, doing, status, text);
    if (status >= 300) throw strange(this.description, `it answers with status ${status}`);
  }

  #send(asked: Omit<EngineRequest, 'patienceMs'> & { patienceMs?: number }): Promise<EngineAnswer> {
    const { signal } = this.#options;
    const path = `/v${this.version}${asked.path}`;
    return this.#http.send({ patienceMs: QUESTION_MS, ...(signal ? { signal } : {}), ...asked, path });
  }
}

/** As the engine is asked for it. */
function nameOf(image: Reference | Digest): string {
  return typeof image === 'string' ? image : formatReference(image);
}

function repositoryOf({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

function notFound(place: string, names: string): AirferryError {
  return new AirferryError('IMAGE_NOT_FOUND', `the engine at ${place} has no image ${names}`, {
    where: { url: place },
    suggestions: ['`docker image ls` there shows what it has.'],
  });
}
