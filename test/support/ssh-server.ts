/**
 * An SSH server inside the test process, which runs what it is asked to with `sh -c`, and fails on demand.
 *
 * Each command gets `home` as its working directory and a PATH that begins with `bin`, where a test may put stand-ins
 * (`sudo`, `id`). `faults` may be changed at any time; they count from then on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import ssh2, {
  type AuthContext,
  type AuthenticationType,
  type Connection,
  type PublicKeyAuthContext,
  type ServerChannel,
  type Session,
  type TcpipBindInfo,
} from 'ssh2';

export interface ScriptedReply {
  stdout?: string | Buffer;
  stderr?: string;
  status?: number;
  /** Ends by this signal (`KILL`) instead of a status. */
  signal?: string;
}

export interface Faults {
  /** Refuse every login. */
  refuseLogin?: boolean;
  /** Accept TCP and say nothing. */
  silent?: boolean;
  /** Answer TCP with this text, as something that is no SSH server would. */
  greeting?: string;
  /** Cut the connection after so many bytes of a command's stdin. */
  dropAfterStdin?: number;
  /** Cut the connection as soon as a command is asked for. */
  dropOnExec?: boolean;
  /** Never answer a command. */
  hang?: boolean;
  /** Close the channel of a command without an exit status. */
  noStatus?: boolean;
  /** Refuse port forwarding. */
  refuseForward?: boolean;
  /** Refuse to listen for the client, as `AllowTcpForwarding local` does. */
  refuseListen?: boolean;
  /** Sessions at once on one connection, as sshd's MaxSessions. */
  maxSessions?: number;
}

export interface SshServerOptions {
  /** Types of the host keys, in the order of the server's preference. Default one ed25519 key. */
  hostKeys?: ('ed25519' | 'ecdsa' | 'rsa')[];
  user?: string;
  password?: string;
  /** Ask for the password by keyboard-interactive instead of the password method. */
  keyboardInteractive?: boolean;
  /** Public key lines that may log in. */
  authorizedKeys?: string[];
  faults?: Faults;
  /** Answer a command instead of running it. */
  script?: (command: string) => ScriptedReply | undefined;
}

export interface KeyPair {
  private: string;
  public: string;
}

/** A new key pair in OpenSSH's format. One in about 200 that ssh2 makes lacks a leading zero: those are thrown away. */
export function newKey(type: 'ed25519' | 'ecdsa' | 'rsa' = 'ed25519', passphrase?: string): KeyPair {
  const bits = type === 'ecdsa' ? 256 : type === 'rsa' ? 2048 : undefined;
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync(type, {
      ...(bits ? { bits } : {}),
      ...(passphrase ? { passphrase, cipher: 'aes256-ctr', rounds: 1 } : {}),
    } as never);
    if (!(ssh2.utils.parseKey(pair.private, passphrase) instanceof Error)) return pair;
  }
}

/** The blob of a public key line. */
export function keyBlob(publicLine: string): Buffer {
  return Buffer.from(publicLine.split(' ')[1] ?? '', 'base64');
}

export class SshServer implements AsyncDisposable {
  /** Where commands run; removed at the end. */
  readonly home = mkdtempSync(join(tmpdir(), 'airferry-ssh-'));
  readonly bin = join(this.home, 'bin');
  readonly commands: string[] = [];
  readonly logins: string[] = [];
  readonly hostKeys: KeyPair[];
  faults: Faults;
  /** TCP connections taken, in all. */
  connections = 0;
  /** The most commands that ran at once. */
  mostSessions = 0;
  readonly #options: SshServerOptions;
  readonly #ssh: InstanceType<typeof ssh2.Server>;
  readonly #tcp: Server;
  readonly #clients = new Set<Connection>();
  readonly #sockets = new Set<Socket>();
  readonly #children = new Set<ChildProcess>();
  readonly #listeners = new Map<number, Server>();
  #sessions = 0;

  private constructor(options: SshServerOptions) {
    mkdirSync(this.bin);
    this.#options = options;
    this.faults = options.faults ?? {};
    this.hostKeys = (options.hostKeys ?? ['ed25519']).map(type => newKey(type));
    this.#ssh = new ssh2.Server({ hostKeys: this.hostKeys.map(key => key.private) }, client =>
      this.#welcome(client),
    );
    this.#tcp = createServer(socket => {
      this.connections++;
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      if (this.faults.greeting !== undefined) socket.end(this.faults.greeting);
      else if (!this.faults.silent) this.#ssh.injectSocket(socket);
    });
  }

  static async start(options: SshServerOptions = {}): Promise<SshServer> {
    const server = new SshServer(options);
    await new Promise<void>(resolve => {
      server.#tcp.listen(0, '127.0.0.1', () => resolve());
    });
    return server;
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  /** Ports that it listens on for its clients. */
  get forwardedPorts(): number[] {
    return [...this.#listeners.keys()];
  }

  /** A known_hosts line for this server. */
  get knownHostsLine(): string {
    return this.hostKeys.map(key => `[127.0.0.1]:${this.port} ${key.public}\n`).join('');
  }

  /** Put a script before everything on the PATH of commands. */
  install(name: string, script: string): void {
    const path = join(this.bin, name);
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  }

  /** Cut every connection, as a pulled cable does once TCP gives up. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Answer nothing more, and keep every connection open: a cable that was pulled. */
  freeze(): void {
    for (const socket of this.#sockets) socket.removeAllListeners('data').pause();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end();
    for (const child of this.#children) endGroup(child);
    for (const socket of this.#sockets) socket.destroy();
    for (const port of this.#listeners.keys()) this.#unlisten(port);
    await new Promise<void>(resolve => this.#tcp.close(() => resolve()));
    rmSync(this.home, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #welcome(client: Connection): void {
    this.#clients.add(client);
    client.on('error', () => undefined);
    client.on('close', () => this.#clients.delete(client));
    client.on('authentication', context => this.#authenticate(context));
    client.on('session', (accept, reject) => {
      const limit = this.faults.maxSessions;
      if (limit !== undefined && this.#sessions >= limit) return void reject();
      this.#sessions++;
      this.mostSessions = Math.max(this.mostSessions, this.#sessions);
      this.#serve(accept());
    });
    client.on('request', (accept, reject, name, info) => {
      if (name === 'tcpip-forward' && !this.faults.refuseListen)
        this.#listen(client, (info as TcpipBindInfo).bindAddr, port => accept?.(port));
      else if (name === 'cancel-tcpip-forward' && this.#unlisten((info as TcpipBindInfo).bindPort))
        accept?.();
      else reject?.();
    });
    client.on('tcpip', (accept, reject, info) => {
      if (this.faults.refuseForward) return void reject();
      const upstream = connectTcp(info.destPort, info.destIP);
      upstream.once('error', () => reject());
      upstream.once('connect', () => {
        const channel = accept();
        channel.on('error', () => undefined);
        upstream.on('error', () => channel.destroy());
        channel.pipe(upstream).pipe(channel);
      });
    });
  }

  /** `tcpip-forward`: listen on the loopback, whatever address is asked for, and hand each connection to the client. */
  #listen(client: Connection, address: string, answer: (port?: number) => void): void {
    const listener = createServer({ allowHalfOpen: true }, socket => {
      const { remoteAddress = '', remotePort = 0 } = socket;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      client.forwardOut(address, port(), remoteAddress, remotePort, (error, channel) => {
        if (error) return void socket.destroy();
        channel.on('error', () => undefined);
        channel.on('close', () => socket.end());
        socket.on('close', () => channel.end());
        channel.pipe(socket).pipe(channel);
      });
    });
    const port = (): number => (listener.address() as AddressInfo).port;
    listener.listen(0, '127.0.0.1', () => {
      const bound = port();
      this.#listeners.set(bound, listener);
      client.once('close', () => this.#unlisten(bound));
      answer(bound);
    });
  }

  #unlisten(port: number): boolean {
    this.#listeners.get(port)?.close();
    return this.#listeners.delete(port);
  }

  #authenticate(context: AuthContext): void {
    const { user = 'ops', password, keyboardInteractive, authorizedKeys = [] } = this.#options;
    const methods: AuthenticationType[] = authorizedKeys.length > 0 ? ['publickey'] : [];
    if (password !== undefined) methods.push(keyboardInteractive ? 'keyboard-interactive' : 'password');
    this.logins.push(context.method);
    const decide = (allowed: boolean): void => (allowed ? context.accept() : context.reject(methods));
    const known = !this.faults.refuseLogin && context.username === user && methods.includes(context.method);
    if (!known) decide(false);
    else if (context.method === 'publickey') decide(keyMayLogIn(context, authorizedKeys));
    else if (context.method === 'password') decide(context.password === password);
    else if (context.method === 'keyboard-interactive') {
      context.prompt([{ prompt: 'Password: ', echo: false }], answers => decide(answers?.[0] === password));
    }
  }

  #serve(session: Session): void {
    session.on('signal', accept => accept?.());
    session.on('exec', (accept, _reject, { command }) => {
      this.commands.push(command);
      if (this.faults.dropOnExec) return this.cut();
      const channel = accept();
      channel.on('error', () => undefined);
      if (this.faults.hang) return void channel.on('close', () => this.#sessions--);
      const reply = this.faults.noStatus ? undefined : this.#options.script?.(command);
      if (!reply && !this.faults.noStatus) return this.#run(channel, command);
      this.#sessions--;
      if (reply) answer(channel, reply);
      else channel.end();
    });
  }

  #run(channel: ServerChannel, command: string): void {
    const child = spawn('sh', ['-c', command], {
      cwd: this.home,
      detached: true,
      env: { PATH: `${this.bin}${delimiter}${process.env.PATH}`, HOME: this.home, USER: 'ops' },
    });
    this.#children.add(child);
    let taken = 0;
    channel.on('data', (chunk: Buffer) => {
      taken += chunk.length;
      if (this.faults.dropAfterStdin !== undefined && taken >= this.faults.dropAfterStdin) {
        child.stdin.end(chunk);
        return this.cut();
      }
      if (!child.stdin.write(chunk)) {
        channel.pause();
        child.stdin.once('drain', () => channel.resume());
      }
    });
    channel.on('end', () => child.stdin.end());
    channel.on('close', () => child.stdin.end());
    child.stdin.on('error', () => channel.resume());
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on('close', (status, signal) => {
      this.#children.delete(child);
      this.#sessions--;
      if (signal) channel.exit(signal.replace('SIG', ''));
      else channel.exit(status ?? 1);
      channel.end();
    });
  }
}

/** End a command with all that it started. It may have ended in this moment. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function keyMayLogIn(context: PublicKeyAuthContext, authorized: string[]): boolean {
  const line = authorized.find(candidate => keyBlob(candidate).equals(context.key.data));
  const key = line === undefined ? undefined : ssh2.utils.parseKey(line);
  if (!key || key instanceof Error) return false;
  if (!context.signature) return true;
  return key.verify(context.blob ?? Buffer.alloc(0), context.signature, context.hashAlgo) === true;
}

function answer(channel: ServerChannel, reply: ScriptedReply): void {
  channel.resume();
  if (reply.stdout) channel.write(reply.stdout);
  if (reply.stderr) channel.stderr.write(reply.stderr);
  if (reply.signal) channel.exit(reply.signal);
  else channel.exit(reply.status ?? 0);
  channel.end();
}
