/** Real registries (distribution 2.8) where the operator sits: plain or TLS with a private CA, open, htpasswd or token auth. */
import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './cache.ts';
import { makeCgroups, removeCgroups } from './cgroups.ts';
import { launch, must, run, until } from './exec.ts';
import { OPERATOR_ADDRESS, operatorNamespace, REGISTRY_NAMES } from './network.ts';
import { dataDir, runDir } from './state.ts';
import { type Certificate, makeCertificate } from './tls.ts';
import type { TokenServerConfig } from './token-server.ts';

export interface RegistryOptions {
  /** Serve HTTPS with a certificate of a private CA for 10.77.0.1, hub.company.com and registry.lab. Default false. */
  tls?: boolean;
  /** Who may come in. Default `open`: everyone, without a name. */
  auth?: 'open' | 'htpasswd' | 'token';
  /** Whether manifests and blobs may be deleted. Default true. */
  deletes?: boolean;
  /** Seconds that a token lasts, as it says of itself. Distribution takes tokens up to 60 s later. Default 300. */
  tokenSeconds?: number;
  /**
   * Default: the first free one from 5000 up. A port that this lab had a registry on before gives that registry's
   * content back.
   */
  port?: number;
}

export interface Registry {
  /** `10.77.0.1:PORT`. */
  address: string;
  /** `http://…` or `https://…` of the same. */
  url: string;
  /** The private CA's certificate; with `tls` only. */
  caFile?: string;
  /** What gets in with `htpasswd` and `token`. */
  username: string;
  password: string;
  /** The folder of its content. */
  root: string;
  /** Its log, one line for each request among others. */
  logFile: string;
  /** With `token`: a log with one line of JSON for each token that was asked for. */
  tokenLogFile?: string;
  /** End it; its content stays until the lab is down. */
  stop(): Promise<void>;
}

const USERNAME = 'robot$plant';
const PASSWORD = 'pa:ss word-7';
const SERVICE = 'registry.lab';
const ISSUER = 'lab-tokens';
/** The token server of the registry on port N listens on N + this. */
const TOKEN_PORT_OFFSET = 1000;

/** Start a registry of the lab `lab` and wait until it listens. Throws with its log when it does not. */
export async function startRegistry(lab: string, options: RegistryOptions = {}): Promise<Registry> {
  const port = options.port ?? (await freePort(lab));
  const member = memberName(port);
  const root = join(dataDir(lab), member);
  const dir = join(runDir(lab), member);
  await mkdir(root, { recursive: true });
  await mkdir(dir, { recursive: true });
  const auth = options.auth ?? 'open';
  const names = [`IP:${OPERATOR_ADDRESS}`, ...REGISTRY_NAMES.map(name => `DNS:${name}`)];
  const certificate = options.tls || auth === 'token' ? await makeCertificate(dir, names) : undefined;
  const tls = options.tls ? certificate : undefined;
  const address = `${OPERATOR_ADDRESS}:${port}`;
  const scheme = tls ? 'https' : 'http';
  const logFile = join(dir, 'log');

  const config = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: root }, delete: { enabled: options.deletes ?? true } },
    http: {
      addr: address,
      secret: 'lab',
      ...(tls && { tls: { certificate: tls.certFile, key: tls.keyFile } }),
    },
    ...(auth === 'htpasswd' && { auth: { htpasswd: { realm: 'lab', path: await writeHtpasswd(dir) } } }),
    ...(auth === 'token' && {
      auth: {
        token: {
          realm: `${scheme}://${OPERATOR_ADDRESS}:${port + TOKEN_PORT_OFFSET}/token`,
          service: SERVICE,
          issuer: ISSUER,
          rootcertbundle: certificate?.caFile,
        },
      },
    }),
  };
  // YAML takes JSON.
  const configFile = join(dir, 'config.yml');
  await writeFile(configFile, JSON.stringify(config, undefined, 2));

  const tokenLogFile = join(dir, 'token-log');
  try {
    if (auth === 'token' && certificate)
      await startTokenServer(lab, dir, {
        port,
        certificate,
        tls: tls !== undefined,
        seconds: options.tokenSeconds,
      });
    await start(lab, port, port, ['docker-registry', 'serve', configFile], logFile);
  } catch (error) {
    await removeCgroups(lab, member);
    throw error;
  }
  return {
    address,
    url: `${scheme}://${address}`,
    ...(tls && { caFile: tls.caFile }),
    ...(auth === 'token' && { tokenLogFile }),
    username: USERNAME,
    password: PASSWORD,
    root,
    logFile,
    stop: () => removeCgroups(lab, member),
  };
}

function memberName(port: number): string {
  return `registry-${port}`;
}

async function freePort(lab: string): Promise<number> {
  for (let port = 5000; ; port++) if (!(await exists(join(dataDir(lab), memberName(port))))) return port;
}

async function writeHtpasswd(dir: string): Promise<string> {
  const file = join(dir, 'htpasswd');
  // Distribution takes bcrypt only.
  await writeFile(file, await must(['htpasswd', '-n', '-i', '-B', USERNAME], { input: `${PASSWORD}\n` }));
  await chmod(file, 0o600);
  return file;
}

async function startTokenServer(
  lab: string,
  dir: string,
  of: { port: number; certificate: Certificate; tls: boolean; seconds: number | undefined },
): Promise<void> {
  const port = of.port + TOKEN_PORT_OFFSET;
  const config: TokenServerConfig = {
    address: OPERATOR_ADDRESS,
    port,
    tls: of.tls,
    certFile: of.certificate.certFile,
    keyFile: of.certificate.keyFile,
    issuer: ISSUER,
    service: SERVICE,
    username: USERNAME,
    password: PASSWORD,
    seconds: of.seconds ?? 300,
  };
  const file = join(dir, 'token-server.json');
  await writeFile(file, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  const script = new URL('./token-server.ts', import.meta.url).pathname;
  const argv = [process.execPath, '--disable-warning=ExperimentalWarning', script, file];
  await start(lab, of.port, port, argv, join(dir, 'token-log'));
}

/** Start a server of the registry on `registryPort` in the operator's namespace; comes back when it listens on `port`. */
async function start(
  lab: string,
  registryPort: number,
  port: number,
  argv: string[],
  logFile: string,
): Promise<void> {
  const enter = await makeCgroups(lab, memberName(registryPort));
  const inNamespace = ['ip', 'netns', 'exec', operatorNamespace(lab)];
  const log = await open(logFile, 'w');
  const child = launch([...enter, ...inNamespace, ...argv], log.fd);
  await log.close();
  const listens = async (): Promise<true | undefined> => {
    if (child.exitCode !== null) throw new Error(`${argv[0]} ended with ${child.exitCode}`);
    const sockets = await run([...inNamespace, 'ss', '-Hltn', `sport = :${port}`]);
    return sockets.stdout.includes(`:${port}`) ? true : undefined;
  };
  await until(`a server listens on port ${port}`, 20_000, listens).catch(async error => {
    throw new Error(`${error.message}\n${await readFile(logFile, 'utf8')}`);
  });
}
