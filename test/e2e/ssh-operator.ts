/**
 * The operator's side of ssh.test.ts, run in the operator's network: does what argv[2] (JSON) asks for on a host, and
 * tells as JSON lines how far an upload is and what came of it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAirferryError } from '../../src/errors.ts';
import { audit } from '../../src/host/audit.ts';
import { connect } from '../../src/host/connection.ts';
import { gatherFacts } from '../../src/host/facts.ts';
import { takeLock } from '../../src/host/lock.ts';
import { Secret } from '../../src/host/secret.ts';
import { Shell } from '../../src/host/shell.ts';
import { emptyState, readState, writeState } from '../../src/host/state.ts';
import { type HostTarget, hostTarget } from '../../src/host/target.ts';
import { type BlobSource, uploadBlob } from '../../src/host/transfer.ts';

export interface Request {
  task: keyof typeof TASKS;
  address: string;
  user: string;
  identities: readonly string[];
  knownHosts: string;
  password?: string;
  sudoPassword?: string;
  bastion?: string;
  acceptNew?: boolean;
  /** Bytes of the blob to upload. */
  size?: number;
}

export type Report =
  | { kind: 'progress'; bytes: number }
  | { kind: 'done'; result: unknown }
  | { kind: 'failed'; code: string; message: string };

const TASKS = {
  login: async (shell: Shell) => (await shell.run('id -un')).stdout.trim(),

  /** Twelve commands at once as root, each with a payload; the ones that came back different. */
  async payloads(shell: Shell) {
    const payload = (n: number): Buffer => Buffer.alloc(400_000, `line ${n}\n`);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        shell.run('id -u; cat', { root: true, stdin: payload(n) }).then(({ bytes }) => bytes),
      ),
    );
    const wrong = answers.filter(
      (bytes, n) => !bytes.equals(Buffer.concat([Buffer.from('0\n'), payload(n)])),
    );
    return { how: (await shell.rootAccess()).how, wrong: wrong.length };
  },

  async facts(shell: Shell) {
    const { os, platform, systemd, privilege, paths } = await gatherFacts(shell, {
      paths: ['/var/lib/docker'],
    });
    return {
      os: os.id,
      platform,
      systemd,
      how: privilege.how,
      type: paths[0]?.type,
      free: paths[0]?.free,
    };
  },

  upload: (shell: Shell, { size = 0 }: Request) =>
    uploadBlob(shell, blob(size), { onProgress: bytes => tell({ kind: 'progress', bytes }) }),

  /** Lock, record, log, and see that nobody else gets the lock in between. */
  async records(shell: Shell) {
    await using _lock = await takeLock(shell, { purpose: 'test' });
    const second = await takeLock(shell, { purpose: 'test' }).catch((error: unknown) => error);
    const before = await readState(shell);
    await writeState(shell, { ...emptyState(), changes: [{ kind: 'hosts-line', line: '1.2.3.4 x' }] });
    await audit(shell, [{ phase: 'test', action: 'wrote the state', result: 'changed' }]);
    return {
      second: isAirferryError(second) ? second.code : 'taken twice',
      before: before ?? null,
      changes: (await readState(shell))?.changes.length,
    };
  },
} satisfies Record<string, (shell: Shell, request: Request) => Promise<unknown>>;

/** Bytes that do not repeat, from any offset. */
function blob(size: number): BlobSource {
  const piece = (index: number): Buffer => {
    const bytes = Buffer.alloc(1024 * 1024, createHash('sha256').update(String(index)).digest());
    return bytes.subarray(0, Math.min(bytes.length, size - index * bytes.length));
  };
  const pieces = Math.ceil(size / (1024 * 1024));
  const hash = createHash('sha256');
  for (let index = 0; index < pieces; index++) hash.update(piece(index));
  return {
    digest: `sha256:${hash.digest('hex')}`,
    size,
    async *open(offset) {
      for (let index = Math.floor(offset / (1024 * 1024)); index < pieces; index++) {
        yield piece(index).subarray(Math.max(0, offset - index * 1024 * 1024));
      }
    },
  };
}

function tell(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function main(request: Request): Promise<void> {
  const secret = (value: string | undefined): Secret | undefined =>
    value === undefined ? undefined : new Secret(value);
  const { user, identities, password, sudoPassword, bastion } = request;
  const to = (address: string, known: Partial<HostTarget> = {}): HostTarget =>
    hostTarget({ address, user, identities, ...known }, {});
  const passwords = { password: secret(password), sudoPassword: secret(sudoPassword) };
  const target = to(request.address, {
    ...(passwords.password ? { password: passwords.password } : {}),
    ...(passwords.sudoPassword ? { sudoPassword: passwords.sudoPassword } : {}),
    bastions: bastion === undefined ? [] : [to(bastion)],
  });
  try {
    await using connection = await connect(target, {
      knownHosts: { files: [request.knownHosts], acceptNew: request.acceptNew ?? false },
      connectTimeoutMs: 5_000,
      keepaliveMs: 1_500,
    });
    tell({ kind: 'done', result: await TASKS[request.task](new Shell(connection), request) });
  } catch (error) {
    if (!isAirferryError(error)) throw error;
    tell({ kind: 'failed', code: error.code, message: error.message });
  }
}

if (process.argv[2] !== undefined) await main(JSON.parse(readFileSync(0, 'utf8')) as Request);
