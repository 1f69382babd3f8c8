/** A receipt: what the far side has, small enough for a letter. Sorted, so that the same content gives the same bytes. */
import * as z from 'zod';
import { type Digest, digestOf, isDigest } from '../../content/digest.ts';
import { AirferryError } from '../../errors.ts';
import { ReadFile } from '../../support/file.ts';
import { isObject } from '../../support/is-object.ts';
import { parseJson } from '../../support/json.ts';

const RECEIPT_TYPE = 'application/vnd.airferry.receipt.v1+json';
/** Receipts of every format. */
const SOME_RECEIPT = /^application\/vnd\.airferry\.receipt\.v\d{1,4}\+json$/;
/** Bytes of a receipt; a blob takes about 90. */
const RECEIPT_LIMIT = 64 * 1024 * 1024;
const MOST_BLOBS = 500_000;

const digest = z.custom<Digest>(isDigest, 'not a digest');

const schema = z.object({
  mediaType: z.literal(RECEIPT_TYPE),
  schemaVersion: z.string().regex(/^1\.[0-9]{1,4}$/),
  /** When it was made, by the clock of the one who made it. */
  made: z.iso.datetime({ offset: true }),
  /** What was looked at: `docker://hub.company.com`, `bundle:site.tar`, `host h1`. */
  places: z.array(z.string().min(1).max(300)).min(1).max(10_000),
  /** Digest and bytes of every blob; without a size where the place does not tell it. */
  blobs: z
    .array(z.union([z.tuple([digest, z.number().int().nonnegative()]), z.tuple([digest])]))
    .max(MOST_BLOBS),
  /** Layers that all hosts have, by their chain IDs, which is how engines know them. */
  layers: z.array(digest).max(MOST_BLOBS),
});

type Content = z.infer<typeof schema>;

/** What a place has. */
export interface Inventory {
  place: string;
  /** Bytes by digest; undefined where nobody tells. */
  blobs: ReadonlyMap<Digest, number | undefined>;
  layers: ReadonlySet<Digest>;
}

export interface Receipt {
  digest: Digest;
  made: string;
  places: string[];
  blobs: ReadonlyMap<Digest, number | undefined>;
  layers: ReadonlySet<Digest>;
}

/** The bytes of a receipt over what places have, each blob once. */
export function formatReceipt(inventories: readonly Inventory[], made: Date): Uint8Array {
  const blobs = new Map<Digest, number | undefined>();
  for (const inventory of inventories)
    for (const [digest, size] of inventory.blobs) blobs.set(digest, blobs.get(digest) ?? size);
  const layers = new Set(inventories.flatMap(inventory => [...inventory.layers]));
  const content: Content = {
    mediaType: RECEIPT_TYPE,
    schemaVersion: '1.0',
    made: made.toISOString(),
    places: inventories.map(({ place }) => place),
    blobs: [...blobs]
      .map(([digest, size]): Content['blobs'][number] => (size === undefined ? [digest] : [digest, size]))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    layers: [...layers].sort(),
  };
  // A line for each blob, so that eyes and diff can read it.
  const { blobs: list, layers: diffIds, ...rest } = schema.parse(content);
  const lines = (items: readonly unknown[]): string =>
    items.map(item => `\n${JSON.stringify(item)}`).join(',');
  const start = JSON.stringify(rest).slice(0, -1);
  return Buffer.from(`${start},"blobs":[${lines(list)}\n],"layers":[${lines(diffIds)}\n]}\n`);
}

/** Read a receipt. Throws FILE_NOT_FOUND, FILE_UNREADABLE, RECEIPT_INVALID. */
export function readReceipt(path: string): Receipt {
  const file = ReadFile.open(path);
  try {
    if (file.size > RECEIPT_LIMIT) throw invalid(path, `it has more than ${RECEIPT_LIMIT} bytes`);
    return parseReceipt(file.readAt(0, file.size), path);
  } finally {
    file.close();
  }
}

/** Throws RECEIPT_INVALID. */
export function parseReceipt(bytes: Uint8Array, path: string): Receipt {
  let json: unknown;
  try {
    json = parseJson(bytes);
  } catch (cause) {
    throw invalid(path, 'it is no JSON', cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    if (isOfLaterFormat(json)) throw later(path);
    const [issue] = parsed.error.issues;
    throw invalid(path, `${issue?.path.join('.') || 'the document'}: ${issue?.message}`);
  }
  const { made, places, blobs, layers } = parsed.data;
  return {
    digest: digestOf(bytes),
    made,
    places,
    blobs: new Map(blobs.map(([digest, size]) => [digest, size])),
    layers: new Set(layers),
  };
}

/** A newer minor version only adds; another major one cannot be read. */
function isOfLaterFormat(json: unknown): boolean {
  if (!isObject(json) || !SOME_RECEIPT.test(String(json.mediaType))) return false;
  return json.mediaType !== RECEIPT_TYPE || /^(?!1\.)\d{1,4}\.\d{1,4}$/.test(String(json.schemaVersion));
}

function later(path: string): AirferryError {
  const message = `${path} is a receipt of a format that this airferry does not know`;
  return new AirferryError('RECEIPT_INVALID', message, {
    where: { file: path },
    suggestions: ['Use a newer airferry here, or make the receipt with the one that is used here.'],
  });
}

function invalid(path: string, why: string, cause?: unknown): AirferryError {
  return new AirferryError('RECEIPT_INVALID', `${path} is no receipt: ${why}`, {
    where: { file: path },
    cause,
    suggestions: ['A receipt is what `airferry receipt create` writes on the far side.'],
  });
}
