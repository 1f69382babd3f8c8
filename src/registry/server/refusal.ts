/** What the registry says no with: the error codes of the OCI distribution-spec, and the HTTP status of each. */

const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DENIED: 403,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  PAGINATION_NUMBER_INVALID: 400,
  RANGE_INVALID: 416,
  SIZE_INVALID: 400,
  TAG_INVALID: 400,
  TOOMANYREQUESTS: 429,
  UNAUTHORIZED: 401,
  UNKNOWN: 500,
  UNSUPPORTED: 405,
} as const;

export type RefusalCode = keyof typeof STATUS;

export interface RefusalDetails {
  /** Instead of the one that the code has. */
  status?: number;
  headers?: Record<string, string>;
  detail?: object;
  /** Several of the same kind, as for all blobs that are missing. */
  details?: object[];
}

/** An answer to a client, thrown. It never reaches the operator, whose errors are `AirferryError`s. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly #details: object[];

  constructor(code: RefusalCode, message: string, details: RefusalDetails = {}) {
    super(message);
    this.code = code;
    this.status = details.status ?? STATUS[code];
    this.headers = details.headers ?? {};
    this.#details = details.details ?? (details.detail ? [details.detail] : []);
  }

  /** The body, as the distribution-spec has it. */
  get body(): object {
    const { code, message } = this;
    const errors = this.#details.map(detail => ({ code, message, detail }));
    return { errors: errors.length > 0 ? errors : [{ code, message }] };
  }
}
