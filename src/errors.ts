/**
 * The one error type of airferry: what happened, where, and what to do next.
 *
 * Every failure that an operator can meet is an `AirferryError` with a stable code out of `EXIT_CODES`; anything
 * else that reaches the command line is a bug and is reported as `INTERNAL`. The codes and exit statuses are
 * public interface: scripts match on them, so they are only ever added to.
 */

/** Exit statuses of the command line, one for each thing that a calling script would want to tell apart. */
export const EXIT = {
  ok: 0,
  /** A bug, or an operating-system failure that nothing more specific describes. */
  failure: 1,
  /** Wrong flags or arguments. */
  usage: 2,
  /** A recipe, fleet file, archive, template or name was refused. */
  input: 3,
  /** Content is not what its digest says, or a reference leads nowhere. */
  verification: 4,
  /** Some hosts failed, the others are done. */
  someHosts: 5,
  /** No host could be reached, or every one of them failed. */
  noHost: 6,
  /** A registry refused, or could not be reached. */
  registry: 7,
  /** The preflight check found something that would make the change fail. */
  preflight: 8,
  /** A change failed, and the host is what it was before. */
  rolledBack: 9,
  /** Ctrl-C, SIGTERM: everything was cleaned up first. */
  interrupted: 130,
} as const;

/** Each error code with the exit status it leads to. */
export const EXIT_CODES = {
  INTERNAL: EXIT.failure,
  INTERRUPTED: EXIT.interrupted,
  USAGE: EXIT.usage,
  CONFIRMATION_NEEDED: EXIT.usage,
  // files of the operator
  FILE_NOT_FOUND: EXIT.input,
  FILE_UNREADABLE: EXIT.input,
  FILE_UNWRITABLE: EXIT.failure,
  DISK_FULL: EXIT.failure,
  RECIPE_INVALID: EXIT.input,
  LOCK_INCOMPLETE: EXIT.input,
  FLEET_INVALID: EXIT.input,
  SSH_CONFIG_INVALID: EXIT.input,
  TEMPLATE_INVALID: EXIT.input,
  DAEMON_JSON_INVALID: EXIT.input,
  UNIT_INVALID: EXIT.input,
  RULE_INVALID: EXIT.input,
  RULE_COLLISION: EXIT.input,
  IMAGE_LIST_INVALID: EXIT.input,
  COMPOSE_FILE_INVALID: EXIT.input,
  KUBERNETES_INVALID: EXIT.input,
  ENV_FILE_INVALID: EXIT.input,
  // names and content
  REFERENCE_INVALID: EXIT.input,
  DIGEST_INVALID: EXIT.input,
  PLATFORM_INVALID: EXIT.input,
  PLATFORM_MISMATCH: EXIT.input,
  MANIFEST_INVALID: EXIT.input,
  IMAGE_NOT_FOUND: EXIT.input,
  ARCHIVE_INVALID: EXIT.input,
  ARCHIVE_TRUNCATED: EXIT.input,
  ENGINE_INVALID: EXIT.input,
  ENGINE_MISMATCH: EXIT.input,
  COMPOSE_INVALID: EXIT.input,
  BUNDLE_INVALID: EXIT.input,
  BUNDLE_CORRUPT: EXIT.verification,
  BUNDLE_PARTS_MISSING: EXIT.input,
  BUNDLE_BASE_MISSING: EXIT.input,
  RECEIPT_INVALID: EXIT.input,
  DIGEST_MISMATCH: EXIT.verification,
  KEY_INVALID: EXIT.input,
  KEY_PASSWORD: EXIT.input,
  SIGNATURE_INVALID: EXIT.verification,
  SIGNATURE_MISSING: EXIT.verification,
  SIGNATURE_UNTRUSTED: EXIT.verification,
  DOWNLOAD_FAILED: EXIT.input,
  // registries
  REGISTRY_UNREACHABLE: EXIT.registry,
  REGISTRY_TLS: EXIT.registry,
  REGISTRY_UNAUTHORIZED: EXIT.registry,
  REGISTRY_DENIED: EXIT.registry,
  REGISTRY_NOT_FOUND: EXIT.registry,
  REGISTRY_TOO_LARGE: EXIT.registry,
  REGISTRY_RATE_LIMITED: EXIT.registry,
  REGISTRY_FAILED: EXIT.registry,
  REGISTRY_PROTOCOL: EXIT.registry,
  CREDENTIALS_INVALID: EXIT.registry,
  SERVE_FAILED: EXIT.failure,
  STORAGE_LOCKED: EXIT.failure,
  STORAGE_INVALID: EXIT.input,
  // hosts
  HOST_UNREACHABLE: EXIT.noHost,
  HOST_AUTH_FAILED: EXIT.noHost,
  HOST_KEY_UNKNOWN: EXIT.noHost,
  HOST_KEY_CHANGED: EXIT.noHost,
  HOST_CONNECTION_LOST: EXIT.noHost,
  HOST_TIMEOUT: EXIT.noHost,
  HOST_SUDO: EXIT.noHost,
  HOST_COMMAND_FAILED: EXIT.noHost,
  HOST_DISK_FULL: EXIT.noHost,
  HOST_FORWARDING: EXIT.noHost,
  HOST_PREFLIGHT: EXIT.preflight,
  HOST_STATE_INVALID: EXIT.noHost,
  HOST_LOCKED: EXIT.noHost,
  ENGINE_NOT_READY: EXIT.noHost,
  HEALTH_CHECK_FAILED: EXIT.noHost,
  ROLLED_BACK: EXIT.rolledBack,
  ENGINE_DENIED: EXIT.noHost,
  ENGINE_TLS: EXIT.noHost,
  ENGINE_FAILED: EXIT.noHost,
  LOAD_FAILED: EXIT.noHost,
  SOME_HOSTS_FAILED: EXIT.someHosts,
  ALL_HOSTS_FAILED: EXIT.noHost,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/** Where it happened; only what is known. Printed as `file:line:column`, `host`, `phase`, `blob at offset`. */
export interface Where {
  file?: string;
  line?: number;
  column?: number;
  host?: string;
  phase?: string;
  blob?: string;
  /** Bytes from the start of the file. */
  offset?: number;
  url?: string;
}

export interface ErrorDetails {
  where?: Where;
  /** What the operator can do next, most useful first; whole sentences or whole commands. */
  suggestions?: string[];
  cause?: unknown;
}

export class AirferryError extends Error {
  override readonly name = 'AirferryError';
  readonly code: ErrorCode;
  readonly where: Where;
  readonly suggestions: string[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.where = details.where ?? {};
    this.suggestions = details.suggestions ?? [];
  }

  /** The exit status that this error leads to when it ends the command. */
  get exit(): number {
    return EXIT_CODES[this.code];
  }

  /** The same error, with what the caller knows of the place added; what is known already is kept. */
  at(where: Where): AirferryError {
    return new AirferryError(this.code, this.message, {
      where: { ...where, ...this.where },
      suggestions: this.suggestions,
      cause: this.cause,
    });
  }
}

/** Narrow an unknown thrown value to an `AirferryError` of one of the given codes (any code when none is given). */
export function isAirferryError(error: unknown, ...codes: ErrorCode[]): error is AirferryError {
  return error instanceof AirferryError && (codes.length === 0 || codes.includes(error.code));
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED` …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What an aborted signal stands for: the error it was aborted with, else an interruption. */
export function abortError(signal: AbortSignal | undefined): AirferryError {
  const reason: unknown = signal?.reason;
  return isAirferryError(reason)
    ? reason
    : new AirferryError('INTERRUPTED', 'interrupted', { cause: reason });
}
