/** What airferry has done to a host, kept on that host: `/var/lib/airferry/state.json`. */
import * as z from 'zod';
import { AirferryError } from '../errors.ts';
import { readFile, writeFile } from './files.ts';
import { LAYOUT } from './layout.ts';
import type { Shell } from './shell.ts';
import { describeTarget } from './target.ts';

const SHA256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');
const DIGEST = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a sha256 digest');
const PATH = z.string().startsWith('/').max(4096);
const WHEN = z.iso.datetime({ offset: true });

const INSTALLED_FILE = z.strictObject({
  path: PATH,
  kind: z.enum(['file', 'link', 'dir']),
  /** Of the content; files only. */
  sha256: SHA256.optional(),
  /** What its inode said while it was hashed (`hashing.ts`, FINGERPRINT): as long as that stands, so does the hash. */
  seen: z.string().max(200).optional(),
  /** Permissions as `0644`. */
  mode: z
    .string()
    .regex(/^[0-7]{4}$/)
    .optional(),
  /** Where a link leads. */
  target: z.string().max(4096).optional(),
  /** Where the file is kept that was there before; uninstall puts it back. */
  replaced: PATH.optional(),
  /** Hash of what we had there before: where a run was interrupted it still lies there, and is nobody else's. */
  before: SHA256.optional(),
});

const CHANGE = z.discriminatedUnion('kind', [
  /** `before`: null when the key was not set by a file of ours before. */
  z.strictObject({
    kind: z.literal('sysctl'),
    key: z.string(),
    value: z.string(),
    before: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal('group'),
    name: z.string(),
    created: z.boolean(),
    members: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal('hosts-line'), line: z.string() }),
  /** A Docker that was here before, whose place ours took: its units as they were. */
  z.strictObject({
    kind: z.literal('adopted'),
    version: z.string().max(256),
    units: z
      .array(z.strictObject({ name: z.string().max(256), enabled: z.boolean(), active: z.boolean() }))
      .max(100),
  }),
]);

/** An engine release: its version, and the digest of the archive that it came from. */
const RELEASE = z.strictObject({ version: z.string(), archive: DIGEST, path: PATH });
const BUNDLE = z.strictObject({ name: z.string(), version: z.string(), digest: DIGEST });

/** A release with the configuration that it ran on; the files' content is kept on the host by its hash. */
const GENERATION = z.strictObject({
  release: RELEASE,
  bundle: BUNDLE.optional(),
  files: z
    .array(z.strictObject({ path: PATH, mode: z.string().regex(/^[0-7]{4}$/), sha256: SHA256 }))
    .max(100_000),
  /** Of compose: what made its program the current one. */
  links: z
    .array(z.strictObject({ path: PATH, target: PATH }))
    .max(100)
    .default([]),
  /** Our line of /etc/hosts. */
  hostsLine: z.string().max(4096).optional(),
});

/** A container that ran before a change, and what it must be held against afterwards. */
const CONTAINER = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().max(1024),
  /** Its process on the host. */
  pid: z.number().int().nonnegative(),
  restarts: z.number().int().nonnegative(),
  /** The engine starts it again by itself. */
  returns: z.boolean(),
});

/** A change that has not stood the test yet. */
const TRIAL = z.strictObject({
  /** What was there before; absent on a first install. */
  from: GENERATION.optional(),
  /** Where a rollback is going. */
  back: GENERATION.optional(),
  containers: z.array(CONTAINER).max(10_000),
  /** Whether the containers must not even have been restarted. */
  live: z.boolean(),
});

const IMAGE = z.strictObject({
  name: z.string(),
  /** The image's config digest. */
  id: DIGEST,
  loadedAt: WHEN,
});

const STATE = z.strictObject({
  schemaVersion: z.literal(1),
  /** The current engine release. */
  release: RELEASE.optional(),
  bundle: BUNDLE.optional(),
  /** What a rollback goes back to. */
  previous: GENERATION.optional(),
  trial: TRIAL.optional(),
  files: z.array(INSTALLED_FILE).max(100_000),
  changes: z.array(CHANGE).max(10_000),
  images: z.array(IMAGE).max(100_000),
  /** Units that have to be restarted before what was changed is in force. */
  pending: z.array(z.string().max(256)).max(100).optional(),
  /** Units that have to read their configuration again, without a restart. */
  reload: z.array(z.string().max(256)).max(100).optional(),
  /** By the operator's clock. */
  installedAt: WHEN.optional(),
  updatedAt: WHEN,
});

export type HostState = z.infer<typeof STATE>;
export type InstalledFile = z.infer<typeof INSTALLED_FILE>;
export type HostChange = z.infer<typeof CHANGE>;
export type Generation = z.infer<typeof GENERATION>;
export type RanBefore = z.infer<typeof CONTAINER>;
export type Trial = z.infer<typeof TRIAL>;

export interface StateOptions {
  /** Default that of the layout. */
  path?: string;
  /** Default true. */
  root?: boolean;
}

/** Bytes; the state of a host with tens of thousands of files fits in. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A state in which nothing has been done yet. */
export function emptyState(now: Date = new Date()): HostState {
  return { schemaVersion: 1, files: [], changes: [], images: [], updatedAt: now.toISOString() };
}

/**
 * A state out of its JSON.
 * @throws {AirferryError} HOST_STATE_INVALID
 */
export function parseState(text: string): HostState {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`it is not JSON: ${(cause as Error).message}`, cause);
  }
  const version = (json as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === 'number' && version > 1) {
    throw invalid(`a newer airferry wrote it (schema ${version}, this one reads 1)`);
  }
  const parsed = STATE.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'not as expected'}`);
}

/** The JSON of a state, as it is kept. */
export function formatState(state: HostState): string {
  return `${JSON.stringify(STATE.parse(state), null, 2)}\n`;
}

/**
 * The state of a host; undefined when airferry has done nothing there.
 * @throws {AirferryError} HOST_STATE_INVALID when it is damaged or too new
 */
export async function readState(shell: Shell, options: StateOptions = {}): Promise<HostState | undefined> {
  const path = options.path ?? LAYOUT.state;
  const bytes = await readFile(shell, path, { maxBytes: MAX_BYTES, root: options.root ?? true });
  if (bytes === undefined) return undefined;
  try {
    return parseState(bytes.toString('utf8'));
  } catch (error) {
    const { message, cause, suggestions } = error as AirferryError;
    throw new AirferryError(
      'HOST_STATE_INVALID',
      `the state of ${describeTarget(shell.target)} cannot be read: ${message}`,
      {
        where: { host: shell.target.name, file: path },
        suggestions,
        cause,
      },
    );
  }
}

/** Replace the state of a host in one step. */
export async function writeState(shell: Shell, state: HostState, options: StateOptions = {}): Promise<void> {
  await writeFile(shell, options.path ?? LAYOUT.state, formatState(state), {
    mode: 0o644,
    parents: true,
    root: options.root ?? true,
  });
}

function invalid(message: string, cause?: unknown): AirferryError {
  const newer = message.startsWith('a newer');
  return new AirferryError('HOST_STATE_INVALID', message, {
    suggestions: newer
      ? ['Use the newer airferry.']
      : [
          'Move the file aside on the host and run "airferry host install" again: it then takes over what it finds as it should be.',
          'Uninstall cannot know what to restore without it: keep the file that was moved aside.',
        ],
    cause,
  });
}
