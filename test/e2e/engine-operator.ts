/**
 * The operator's side of docker-daemon.test.ts, run in the operator's network: does what stdin (JSON) asks for with
 * engines, and tells what came of it as one line of JSON. `operate` is how a test starts it.
 */
import { readFileSync } from 'node:fs';
import { digestOf } from '../../src/content/digest.ts';
import { formatReference, parseReference, type Reference } from '../../src/content/reference.ts';
import type { EngineApi } from '../../src/engine/api/client.ts';
import { AirferryError } from '../../src/errors.ts';
import { Secret } from '../../src/host/secret.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { Meter } from '../../src/support/meter.ts';
import { copyImages } from '../../src/transports/copy.ts';
import { openEngine } from '../../src/transports/docker-daemon/dial.ts';
import { type EngineLoad, loadIntoEngine } from '../../src/transports/docker-daemon/load.ts';
import { engineSource, isEngineSource } from '../../src/transports/docker-daemon/source.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { registryTarget } from '../../src/transports/registry.ts';
import type { ImageSource } from '../../src/transports/source.ts';
import { must } from '../lab/exec.ts';
import type { Lab } from '../lab/lab.ts';

export interface Request {
  task: 'ask' | 'load' | 'push' | 'view';
  /** An engine's address, or an archive's path. */
  from: string;
  /** An engine's address, or a registry's. */
  to?: string;
  /** Names in the source; all when absent. */
  names?: string[];
  /** Added to every tag. */
  suffix?: string;
  sudoPassword?: string;
  certPath?: string;
}

export interface Answer {
  failed?: { code: string; message: string; suggestions: string[] };
  notes: string[];
  version?: string;
  images?: number;
  loads?: (Omit<EngineLoad, 'from' | 'to'> & { to: string[] })[];
  /** Blobs and bytes that a copy moved. */
  moved?: { blobs: number; bytes: number };
  copied?: { to: string[]; digest: string }[];
  /** A line for each image: its names, the digest of its config, those of its layers; all of them were read. */
  view?: string[];
  /** Bytes of memory at the most. */
  peak: number;
}

/** Run a request where the operator sits. */
export async function operate(lab: Lab, request: Request): Promise<Answer> {
  const self = new URL(import.meta.url).pathname;
  const env = ['env', `KEY=${lab.keyFile}`, `KNOWN_HOSTS=${lab.knownHosts}`];
  const tls = request.certPath ? ['DOCKER_TLS_VERIFY=1', `DOCKER_CERT_PATH=${request.certPath}`] : [];
  const outcome = await lab.run([...env, ...tls, process.execPath, self, 'act'], {
    input: JSON.stringify(request),
  });
  if (outcome.code !== 0) throw new Error(`${outcome.stdout}${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as Answer;
}

/** Throws unless it came to its end. */
export async function done(lab: Lab, request: Request): Promise<Answer> {
  const answer = await operate(lab, request);
  if (answer.failed) throw new Error(`${answer.failed.code}: ${answer.failed.message}`);
  return answer;
}

async function act(request: Request): Promise<Answer> {
  const answer: Answer = { notes: [], peak: 0 };
  const meter = new Meter();
  const opened: AsyncDisposable[] = [];
  const engine = async (address: string): Promise<EngineApi> => {
    const { KEY = '', KNOWN_HOSTS = '' } = process.env;
    const { sudoPassword } = request;
    const api = await openEngine({
      address,
      onNote: text => answer.notes.push(text),
      ssh: {
        knownHosts: { files: [KNOWN_HOSTS], acceptNew: false },
        target: {
          agent: '',
          identities: [KEY],
          ...(sudoPassword ? { sudoPassword: new Secret(sudoPassword) } : {}),
        },
      },
    });
    opened.push(api);
    return api;
  };
  const rename = (from: readonly Reference[]): Reference[] =>
    from.map(name => ({ ...name, tag: `${name.tag ?? 'latest'}${request.suffix ?? ''}` }));
  const { task, from, to = '', names } = request;
  try {
    const source = from.includes('://')
      ? await engineSource(await engine(from), names ? { names: names.map(parseReference) } : {}, { meter })
      : await openImageSource(from, { meter });
    if (task === 'ask' && isEngineSource(source)) {
      answer.version = (await source.engine.api.info()).version;
      answer.images = source.engine.images.length;
    } else if (task === 'view') answer.view = await viewOf(source);
    else if (task === 'load') {
      const report = await loadIntoEngine(await engine(to), source, { names: rename, unnamed: false, meter });
      answer.loads = report.loads.map(load => ({ ...load, to: load.to.map(formatReference) }));
      answer.moved = report.moved;
    } else if (task === 'push') {
      const client = new RegistryClient({ registry: to, plainHttp: true, access: 'push' });
      const at = (from: readonly Reference[]) => rename(from).map(name => ({ ...name, registry: to }));
      const options = { names: at, unnamed: false, compression: 'gzip', meter } as const;
      const report = await copyImages(source, registryTarget(client), options);
      answer.moved = report.moved;
      answer.copied = report.images.map(({ to, manifest }) => ({
        to: to.map(formatReference),
        digest: manifest.digest,
      }));
      await client.close();
    }
  } catch (error) {
    if (!(error instanceof AirferryError)) throw error;
    const { code, message, suggestions } = error;
    answer.failed = { code, message, suggestions };
  } finally {
    for (const one of opened) await one[Symbol.asyncDispose]();
  }
  answer.peak = process.resourceUsage().maxRSS * 1024;
  return answer;
}

async function viewOf(source: ImageSource): Promise<string[]> {
  // The end of each stream is the check.
  for await (const layer of source.layers()) for await (const _ of layer.open());
  const { images } = await source.inventory();
  const lines = images.map(({ names, config, layers }) => {
    const words = [...names.map(formatReference).sort(), digestOf(config.bytes)];
    return [...words, ...layers.map(({ diffId }) => diffId)].join(' ');
  });
  return lines.sort();
}

/** A CA's folder as a client of an engine has it: ca.pem, and cert.pem with key.pem signed by it. */
export async function clientCertificate(dir: string): Promise<string> {
  const file = (name: string): string => `${dir}/${name}`;
  await must([
    ...['openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', '/CN=operator', '-keyout', file('key.pem'), '-out', file('client.csr')],
  ]);
  await must(['sh', '-c', 'echo extendedKeyUsage=clientAuth >"$1"', 'sh', file('client.ext')]);
  await must([
    ...['openssl', 'x509', '-req', '-in', file('client.csr'), '-days', '30', '-CAcreateserial'],
    ...[
      '-CA',
      file('ca.crt'),
      '-CAkey',
      file('ca.key'),
      '-extfile',
      file('client.ext'),
      '-out',
      file('cert.pem'),
    ],
  ]);
  await must(['cp', file('ca.crt'), file('ca.pem')]);
  return dir;
}

if (process.argv[2] === 'act') {
  const answer = await act(JSON.parse(readFileSync(0, 'utf8')) as Request);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
