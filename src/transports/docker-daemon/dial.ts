/** Reaching an engine: at a socket of this machine, by TCP, or on a host through SSH. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Duplex } from 'node:stream';
import {
  type EngineAddress,
  formatEngineAddress,
  parseEngineAddress,
  SYSTEM_SOCKET,
} from '../../engine/api/address.ts';
import { connectEngine, type EngineApi } from '../../engine/api/client.ts';
import { denied } from '../../engine/api/failures.ts';
import { environmentTls, findEngine, type Surroundings } from '../../engine/api/find.ts';
import type { EngineWire } from '../../engine/api/http.ts';
import { socketWire } from '../../engine/api/sockets.ts';
import { AirferryError, isAirferryError, systemCode } from '../../errors.ts';
import { type Connection, type ConnectOptions, connect } from '../../host/connection.ts';
import { command } from '../../host/quote.ts';
import { asRoot, findRootAccess, passwordLine, type RootAccess } from '../../host/sudo.ts';
import { describeTarget, type HostTarget, hostTarget } from '../../host/target.ts';

export interface OpenEngineOptions {
  /** As in `DOCKER_HOST`; without it the engine that `docker` would talk to. */
  address?: string;
  ssh?: SshOptions;
  /** Told how a host's engine is reached, where that is not the usual way. */
  onNote?: (text: string) => void;
  signal?: AbortSignal;
}

/** How hosts are logged in to. */
export interface SshOptions extends Omit<ConnectOptions, 'signal'> {
  /** Everything about the host but what the address says: identities, passwords, bastions, sudo. */
  target?: Partial<HostTarget>;
  /** A host that is known already, instead of `target` and of what the address says. */
  host?: HostTarget;
}

/**
 * Reach an engine and see that it answers. The caller closes it.
 * Throws USAGE for a bad address, ENGINE_NOT_READY, ENGINE_DENIED, ENGINE_TLS, ENGINE_FAILED; for hosts what connecting and
 * sudo throw.
 */
export async function openEngine(options: OpenEngineOptions = {}): Promise<EngineApi> {
  const around = surroundings();
  const address =
    options.address === undefined
      ? findEngine(around).address
      : parseEngineAddress(options.address, environmentTls(around));
  const watch = options.signal ? { signal: options.signal } : {};
  if (address.kind !== 'ssh') return connectEngine(socketWire(address), watch);
  if (!options.ssh) throw noLogin(address);
  const { target, host, ...connecting } = options.ssh;
  const connection = await connect(host ?? targetOf(address, target), { ...connecting, ...watch });
  const onClose = (): Promise<void> => connection.close();
  try {
    return await throughHost(connection, address, { ...watch, onClose }, options.onNote);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The engine on a host that we are logged in to. The connection stays the caller's. */
export function engineOnHost(
  connection: Connection,
  options: Pick<OpenEngineOptions, 'onNote' | 'signal'> = {},
): Promise<EngineApi> {
  const { name } = connection.target;
  const watch = options.signal ? { signal: options.signal } : {};
  return throughHost(connection, { kind: 'ssh', host: name }, watch, options.onNote);
}

/** What Docker's client itself runs at the other end of ssh://, from 18.09 on. */
const DIAL_STDIO = 'docker system dial-stdio';
const STATUS_MISSING = 127;

/**
 * By `docker system dial-stdio`, as root where the socket is closed to the user; where there is no such command, by a
 * forward to the socket.
 */
async function throughHost(
  connection: Connection,
  address: Extract<EngineAddress, { kind: 'ssh' }>,
  options: { signal?: AbortSignal; onClose?: () => Promise<void> },
  onNote: ((text: string) => void) | undefined,
): Promise<EngineApi> {
  const description = formatEngineAddress(address);
  const socket = address.socket ?? SYSTEM_SOCKET;
  const { cli, access } = await lookAround(connection, socket, options.signal);
  const byCommand: EngineWire = {
    description,
    dial: () => dialCommand(connection, address.socket, access),
  };
  const bySocket: EngineWire = { description, dial: () => connection.openSocket(socket) };
  if (cli) {
    try {
      return await connectEngine(byCommand, options);
    } catch (error) {
      if (!isAirferryError(error, 'HOST_COMMAND_FAILED')) throw error;
      if (!hasNoDialStdio(error.message)) throw explained(error, description);
    }
  }
  onNote?.(
    `${describeTarget(connection.target)} has no \`${DIAL_STDIO}\`: its engine is reached by a forward to ${socket}`,
  );
  try {
    return await connectEngine(bySocket, options);
  } catch (error) {
    throw isAirferryError(error, 'HOST_COMMAND_FAILED') ? noForward(error, description, socket) : error;
  }
}

/** One question: is there a docker command, and is the socket open to the user? */
async function lookAround(
  connection: Connection,
  socket: string,
  signal: AbortSignal | undefined,
): Promise<{ cli: boolean; access: RootAccess | undefined }> {
  const script = `PATH=$PATH:/usr/local/bin; command -v docker >/dev/null && echo cli
if [ -w "$1" ]; then echo open; elif [ -e "$1" ] || [ "$(id -u)" != 0 ]; then echo closed; fi`;
  const { stdout } = await connection.exec(command(['sh', '-c', script, 'sh', socket]), {
    timeoutMs: 60_000,
    ...(signal ? { signal } : {}),
  });
  const words = stdout.toString('utf8').split('\n');
  const closed = words.includes('closed') && connection.target.sudo;
  return { cli: words.includes('cli'), access: closed ? await rootAccess(connection) : undefined };
}

/** Without sudo the command is tried as it is, since the engine may be the user's own, elsewhere; a wrong password is told. */
async function rootAccess(connection: Connection): Promise<RootAccess | undefined> {
  try {
    return await findRootAccess(connection);
  } catch (error) {
    if (isAirferryError(error, 'HOST_SUDO') && !connection.target.sudoPassword) return undefined;
    throw error;
  }
}

async function dialCommand(
  connection: Connection,
  socket: string | undefined,
  access: RootAccess | undefined,
): Promise<Duplex> {
  const host = socket === undefined ? [] : [`DOCKER_HOST=unix://${socket}`];
  const path = 'PATH=$PATH:/usr/local/bin; export PATH; LC_ALL=C; export LC_ALL; exec "$@"';
  const argv = ['sh', '-c', path, 'sh', 'env', ...host, 'docker', 'system', 'dial-stdio'];
  const stream = await connection.openCommand(access ? asRoot(access, argv) : command(argv), DIAL_STDIO);
  if (access?.password) stream.write(passwordLine(access.password));
  return stream;
}

function hasNoDialStdio(message: string): boolean {
  return (
    message.includes(`failed with status ${STATUS_MISSING}`) ||
    /is not a docker command|unknown command|Usage:\s+docker system|docker: not found/.test(message)
  );
}

/** What the docker command on the host complains about, as our own errors. */
function explained(error: AirferryError, place: string): AirferryError {
  if (/permission denied/i.test(error.message)) {
    const why = 'permission denied at its socket';
    const own = denied(place, why, error);
    return new AirferryError(own.code, own.message, {
      where: { ...own.where, ...error.where },
      suggestions: [
        'Log in as root, allow the user sudo (sudo: true, --ask-sudo-password), or add it to the group docker on the host.',
      ],
      cause: error,
    });
  }
  if (/Cannot connect to the Docker daemon|Is the docker daemon running|no such file/i.test(error.message)) {
    return new AirferryError('ENGINE_NOT_READY', `no engine answers at ${place}`, {
      where: { url: place, ...error.where },
      suggestions: ['Start it (systemctl start docker), or install one: airferry host install.'],
      cause: error,
    });
  }
  return error;
}

function noForward(error: AirferryError, place: string, socket: string): AirferryError {
  return new AirferryError(
    'ENGINE_NOT_READY',
    `no engine is reached at ${place}: there is no \`${DIAL_STDIO}\`, and ${socket} cannot be forwarded`,
    {
      where: { url: place, ...error.where },
      suggestions: [
        'Install an engine: airferry host install. One that is there needs the docker command on the PATH of the user.',
        'Or allow forwards in sshd_config (AllowStreamLocalForwarding), and the user the socket.',
      ],
      cause: error,
    },
  );
}

function targetOf(
  { host, port, user }: Extract<EngineAddress, { kind: 'ssh' }>,
  known: Partial<HostTarget> | undefined,
): HostTarget {
  return hostTarget({
    ...known,
    address: host,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
  });
}

function noLogin(address: EngineAddress): AirferryError {
  return new AirferryError(
    'USAGE',
    `${formatEngineAddress(address)} is reached by SSH, which is not possible here`,
    {
      suggestions: ['Name the engine by docker-daemon:ssh://user@host/IMAGE.'],
    },
  );
}

function surroundings(): Surroundings {
  return {
    environment: process.env,
    home: homedir(),
    exists: existsSync,
    read: path => {
      try {
        return readFileSync(path, 'utf8');
      } catch (cause) {
        if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return undefined;
        throw new AirferryError('FILE_UNREADABLE', `cannot read ${path}: ${systemCode(cause)}`, {
          where: { file: path },
          cause,
        });
      }
    },
  };
}
