/** What a registry's refusal means, in the operator's words. Distribution-spec "Error Codes"; Harbor's own wording. */
import { AirferryError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import { formatDuration } from '../support/format.ts';
import { isObject } from '../support/is-object.ts';
import { saysNoSpace } from '../support/no-space.ts';

/** Bytes of an error answer that are read; the rest is left. */
export const ERROR_BODY_LIMIT = 64 * 1024;
/** Milliseconds that a `Retry-After` may ask for; a longer pause is the operator's decision. */
export const PATIENCE_MS = 5 * 60_000;

/** Codes by which a manifest is refused for what it names. */
const MISSING_CONTENT = ['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN'];

interface RegistryDetails extends ErrorDetails {
  status?: number;
  registryCodes?: string[];
  mayPass?: boolean;
  afterMs?: number;
}

/** A failure of a registry, with what decides about trying again. */
export class RegistryError extends AirferryError {
  /** The HTTP status, where an answer came at all. */
  readonly status: number | undefined;
  /** Codes of the error body: `MANIFEST_BLOB_UNKNOWN`, `NAME_UNKNOWN` … */
  readonly registryCodes: readonly string[];
  /** Whether the same request may succeed later. */
  readonly mayPass: boolean;
  /** Milliseconds of pause that the registry asked for. */
  readonly afterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: RegistryDetails = {}) {
    super(code, message, details);
    this.status = details.status;
    this.registryCodes = details.registryCodes ?? [];
    this.mayPass = details.mayPass ?? false;
    this.afterMs = details.afterMs;
  }

  /** The same failure, for one who knows that a new attempt may succeed. */
  passing(): RegistryError {
    const { status, registryCodes, where, suggestions, afterMs, cause } = this;
    const details = { status, registryCodes: [...registryCodes], where, suggestions, afterMs, cause };
    return new RegistryError(this.code, this.message, { ...details, mayPass: true });
  }
}

/** An answer that is no success, as far as its error is made from it. */
export interface Refusal {
  /** The registry as the operator writes it. */
  registry: string;
  method: string;
  /** Without query. */
  url: string;
  status: number;
  contentType: string;
  /** The `Retry-After` header. */
  retryAfter: string | undefined;
  /** The body, at most ERROR_BODY_LIMIT bytes of it. */
  text: string;
  /** The repository that the request was about. */
  repository?: string;
}

/** The error for an answer that is no success. 401 is the login's matter: see auth.ts. */
export function refusalError(refusal: Refusal): RegistryError {
  const { registry, status } = refusal;
  const body = parseErrorBody(refusal.text, refusal.contentType);
  const about = refusal.repository ? `${registry}/${refusal.repository}` : registry;
  const said = body.message ? `: ${body.message}` : '';
  const make = (code: ErrorCode, message: string, suggestions: string[], more: RegistryDetails = {}) =>
    new RegistryError(code, message, {
      status,
      registryCodes: body.codes,
      where: { url: refusal.url },
      suggestions,
      ...more,
    });

  if (
    /client sent an http request to an https server|plain http request was sent to https port/i.test(
      refusal.text,
    )
  ) {
    return make('REGISTRY_TLS', `${registry} speaks HTTPS, and was asked in plain HTTP`, [
      'Leave out --plain-http for this registry.',
    ]);
  }
  switch (status) {
    case 403:
      return make(
        'REGISTRY_DENIED',
        `${registry} denies ${verb(refusal)} ${about}${said}`,
        deniedAdvice(body.message),
      );
    case 404:
      if (body.html) return webPageError(refusal);
      return make('REGISTRY_NOT_FOUND', `${about} was not found${said}`, [
        'Check the spelling of the repository and tag.',
        'On Harbor the project (the first part of the path) must exist before a push: create it there.',
      ]);
    case 405:
      if (/proxy/i.test(body.message))
        return make(
          'REGISTRY_DENIED',
          `${registry} denies writing to ${about}${said}`,
          deniedAdvice('proxy'),
        );
      break;
    case 412:
      if (reads(refusal)) {
        return make('REGISTRY_DENIED', `${registry} gives ${about} to nobody${said}`, [
          'A policy of the project forbids it (vulnerabilities, missing signatures): ask its administrator.',
        ]);
      }
      return make('REGISTRY_DENIED', `${registry} keeps this tag of ${about} as it is${said}`, [
        'The tag is immutable: push under another tag, or change the immutability rule of the project.',
      ]);
    case 413:
      return make('REGISTRY_TOO_LARGE', `${registry} takes no request of this size${said}`, [
        'A reverse proxy in front of the registry limits request bodies; in nginx: client_max_body_size 0;',
      ]);
    case 429:
      return rateLimited(refusal, said, make);
  }
  if (status === 507 || (status >= 500 && body.storageFull))
    return make('REGISTRY_FAILED', `the storage of ${registry} is full`, [
      'Make room there: remove images that nobody needs, and collect the garbage of the registry.',
      'Then run the command again: it goes on where it stopped.',
    ]);
  if (status >= 500) {
    const afterMs = retryAfterMs(refusal.retryAfter);
    return make(
      'REGISTRY_FAILED',
      `${registry} failed with status ${status} at ${refusal.method}${said}`,
      [
        "Look into the registry's log; its storage may be full or out of reach.",
        'Then run the command again: it goes on where it stopped.',
      ],
      // 501 says that it is not able to, now or later.
      { mayPass: status !== 501 && (afterMs === undefined || afterMs <= PATIENCE_MS), afterMs },
    );
  }
  if (body.html) return webPageError(refusal);
  if (body.codes.some(code => MISSING_CONTENT.includes(code))) {
    return make('REGISTRY_FAILED', `${registry} lacks content that an image of ${about} names${said}`, [
      'Push the image again. A garbage collection that ran in the meantime may have removed what was pushed.',
    ]);
  }
  const advice =
    body.codes.length > 0
      ? 'The registry has understood the request and refuses it: look into its log.'
      : 'Check that the address and port are those of a registry.';
  return make(
    'REGISTRY_PROTOCOL',
    `${registry} answered ${status} to ${refusal.method} for ${about}${said}`,
    [advice],
  );
}

/** Whether a manifest was refused because blobs or manifests that it names are not in the repository. */
export function isMissingContent(error: unknown): error is RegistryError {
  return error instanceof RegistryError && error.registryCodes.some(code => MISSING_CONTENT.includes(code));
}

/** The error for a page made for people where a registry's answer should be. */
export function webPageError(refusal: Pick<Refusal, 'registry' | 'status' | 'url'>): RegistryError {
  return new RegistryError(
    'REGISTRY_PROTOCOL',
    `${refusal.registry} answered with a web page (status ${refusal.status}), not as a registry`,
    {
      status: refusal.status,
      where: { url: refusal.url },
      suggestions: [
        'Check the address and the port of the registry.',
        'A login page or a proxy between here and the registry answers like this, too.',
      ],
    },
  );
}

/** The error for an answer that does not follow the protocol. */
export function protocolError(registry: string, what: string, url?: string): RegistryError {
  return new RegistryError('REGISTRY_PROTOCOL', `${registry} ${what}`, {
    where: url ? { url } : {},
    suggestions: [
      'Check that the address and port are those of a registry, and what proxy stands before it.',
    ],
  });
}

interface ErrorBody {
  codes: string[];
  message: string;
  html: boolean;
  /** Whether the registry's own disk, or its share of it, is used up. */
  storageFull: boolean;
}

/** Read an error body: the spec's `{"errors": [...]}`, a token server's `{"details"|"message"}`, HTML, or nothing. */
export function parseErrorBody(text: string, contentType: string): ErrorBody {
  const html = isHtml(contentType) || /^\s*<(?:!doctype|html)/i.test(text);
  if (html) return { codes: [], message: '', html, storageFull: false };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { codes: [], message: printable(text), html, storageFull: false };
  }
  const record = isObject(json) ? json : {};
  const errors = (Array.isArray(record.errors) ? record.errors.slice(0, 20) : []).filter(isObject);
  const codes = errors.map(error => error.code).filter(code => typeof code === 'string');
  const said = [
    ...errors.map(error => error.message),
    record.details,
    record.error_description,
    record.message,
  ];
  const storageFull = errors.some(({ detail }) => tellsFull(detail));
  return { codes, message: printable(said.find(isText) ?? ''), html, storageFull };
}

/** Linux's ENOSPC and EDQUOT. */
const NO_SPACE = [28, 122];

/** Distribution passes on what its storage said: as words, or as what Go's `os.PathError` is in JSON. */
function tellsFull(detail: unknown): boolean {
  if (typeof detail === 'string') return saysNoSpace(detail);
  const cause = isObject(detail) ? detail.Enclosed : undefined;
  return isObject(cause) && NO_SPACE.some(errno => errno === cause.Err);
}

export function isHtml(contentType: string): boolean {
  return /^\s*(?:text\/html|application\/xhtml)/i.test(contentType);
}

/** The pause that `Retry-After` names, seconds or an HTTP date, in milliseconds. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function rateLimited(
  refusal: Refusal,
  said: string,
  make: (code: ErrorCode, message: string, suggestions: string[], more: RegistryDetails) => RegistryError,
): RegistryError {
  const afterMs = retryAfterMs(refusal.retryAfter);
  const tooLong = afterMs !== undefined && afterMs > PATIENCE_MS;
  const pause = tooLong ? ` and wants a pause of ${formatDuration(afterMs)}` : '';
  return make(
    'REGISTRY_RATE_LIMITED',
    `${refusal.registry} limits the rate of requests${pause}${said}`,
    ['Use a smaller --concurrency, or run the command again later: it goes on where it stopped.'],
    { mayPass: !tooLong, afterMs },
  );
}

function reads({ method }: Refusal): boolean {
  return method === 'GET' || method === 'HEAD';
}

function verb(refusal: Refusal): string {
  return reads(refusal) ? 'reading' : 'writing to';
}

function deniedAdvice(message: string): string[] {
  if (/quota|exceed/i.test(message))
    return ['The storage quota of the project is used up: raise it, or delete old images.'];
  if (/read.?only/i.test(message))
    return ['The registry is in read-only mode: ask its administrator to end it, then run again.'];
  if (/proxy/i.test(message)) return ['A proxy-cache project takes no pushes: push to an ordinary project.'];
  return [
    'Check that this login may push to the project: on Harbor as developer or maintainer, or a robot account with push.',
    'A quota that is used up or a read-only registry answers like this, too.',
  ];
}

/** One line of text from outside, harmless to a terminal. */
function printable(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
