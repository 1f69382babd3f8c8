/** Debian's docker-registry (distribution 2.8) on loopback, without a lab: open, with htpasswd, or with tokens over TLS. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../lab/tls.ts';

/** What gets in with htpasswd and with tokens. */
export const LOGIN = { username: 'robot$plant', password: 'pa:ss word-7' };

export interface Distribution {
  /** `127.0.0.1:PORT` */
  address: string;
  /** The private CA's certificate; with tokens only. */
  caFile?: string;
  /** Kill it; its content stays. */
  stop(): Promise<void>;
  /** Start it again after it was killed. */
  restart(): Promise<void>;
}

/** Registries of one test file, in a folder of their own. */
export class Distributions {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'airferry-registry-'));
  readonly #children: ChildProcess[] = [];

  /** Start one and wait until it listens. `store` is a folder for its content, instead of one of its own. */
  async start(auth: 'open' | 'htpasswd' | 'token' = 'open', store?: string): Promise<Distribution> {
    const [port = 0, tokenPort = 0] = await freePorts(2);
    const home = mkdtempSync(join(this.dir, 'store-'));
    const certificate = auth === 'token' ? await makeCertificate(home, ['IP:127.0.0.1']) : undefined;
    const config: Record<string, unknown> = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: store ?? join(home, 'store') } },
      http: {
        addr: `127.0.0.1:${port}`,
        secret: 'test',
        ...(certificate && { tls: { certificate: certificate.certFile, key: certificate.keyFile } }),
      },
    };
    if (auth === 'htpasswd') {
      const path = join(home, 'htpasswd');
      writeFileSync(path, execFileSync('htpasswd', ['-niB', LOGIN.username], { input: LOGIN.password }));
      config.auth = { htpasswd: { realm: 'test', path } };
    }
    if (certificate) {
      const issued = { issuer: 'test-tokens', service: 'registry.test' };
      const realm = `https://127.0.0.1:${tokenPort}/token`;
      config.auth = { token: { ...issued, realm, rootcertbundle: certificate.caFile } };
      const server = { address: '127.0.0.1', port: tokenPort, tls: true, ...certificate, ...issued };
      const file = join(home, 'token-server.json');
      writeFileSync(file, JSON.stringify({ ...server, ...LOGIN, seconds: 2 }));
      const script = new URL('../lab/token-server.ts', import.meta.url).pathname;
      await listens(tokenPort, this.#launch(process.execPath, [script, file]));
    }
    const file = join(home, 'config.yml');
    writeFileSync(file, JSON.stringify(config));
    const start = async (): Promise<ChildProcess> => {
      const child = this.#launch('docker-registry', ['serve', file]);
      await listens(port, child);
      return child;
    };
    let child = await start();
    return {
      address: `127.0.0.1:${port}`,
      ...(certificate && { caFile: certificate.caFile }),
      stop: () => stop(child),
      restart: async () => {
        child = await start();
      },
    };
  }

  /** End all of them, and take away what they hold. */
  async end(): Promise<void> {
    await Promise.all(this.#children.map(stop));
    rmSync(this.dir, { recursive: true, force: true });
  }

  #launch(command: string, args: string[]): ChildProcess {
    const child = spawn(command, args, { stdio: 'ignore' });
    this.#children.push(child);
    return child;
  }
}

/** Different ones: each is held until all of them are found, since one that was given back may be given out again. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise(resolve => server.once('listening', resolve));
      return server;
    }),
  );
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}

async function listens(port: number, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    const open = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
