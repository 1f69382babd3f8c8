/** Connections to an engine from this machine: its unix socket, or TCP with or without TLS. */
import { readFileSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { AirferryError, systemCode } from '../../errors.ts';
import { type EngineAddress, type EngineTls, formatEngineAddress, TLS_ADVICE } from './address.ts';
import type { EngineWire } from './http.ts';

/** Milliseconds for TCP and TLS together. */
const CONNECT_MS = 15_000;
/** Milliseconds after which a silent connection is asked whether the other side still lives. */
const KEEPALIVE_MS = 30_000;

/**
 * The way to an engine that listens on a socket. Throws ENGINE_TLS and FILE_UNREADABLE for certificates that cannot be
 * used.
 */
export function socketWire(address: Exclude<EngineAddress, { kind: 'ssh' }>): EngineWire {
  const description = formatEngineAddress(address);
  if (address.kind === 'unix')
    return { description, dial: () => connected(connectSocket(address.path), 'connect') };
  const { host, port, tls } = address;
  if (!tls) return { description, dial: () => connected(alive(connectSocket({ host, port })), 'connect') };
  const options: ConnectionOptions = {
    ...certificates(tls),
    host,
    port,
    rejectUnauthorized: tls.verify,
    // A name is told to the server; an address must not be. RFC 6066 section 3.
    ...(/^[0-9.]+$|:/.test(host) ? {} : { servername: host }),
  };
  return { description, dial: () => connected(alive(connectTls(options)), 'secureConnect') };
}

function alive<S extends Socket>(socket: S): S {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEPALIVE_MS);
  return socket;
}

function connected(socket: Socket | TLSSocket, event: 'connect' | 'secureConnect'): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })),
      CONNECT_MS,
    );
    socket.once(event, () => {
      clearTimeout(timer);
      socket.removeListener('error', reject);
      // Whoever uses it listens for itself; between two uses nobody does.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', error => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** The files of a folder as Docker names them. With TLS 1.3 a missing client certificate shows only later. */
function certificates({ folder, verify }: EngineTls): Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> {
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map(name => readPem(join(folder, name)));
  if (verify && !ca && !cert) {
    throw new AirferryError('ENGINE_TLS', `there are no certificates in ${folder}`, {
      where: { file: folder },
      suggestions: [TLS_ADVICE],
    });
  }
  if (Boolean(cert) !== Boolean(key)) {
    throw new AirferryError('ENGINE_TLS', `${folder} has only one of cert.pem and key.pem`, {
      where: { file: folder },
      suggestions: [TLS_ADVICE],
    });
  }
  return { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) };
}

function readPem(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return undefined;
    throw new AirferryError(
      'FILE_UNREADABLE',
      `cannot read ${path}: ${systemCode(cause) ?? 'unknown reason'}`,
      {
        where: { file: path },
        cause,
      },
    );
  }
}
