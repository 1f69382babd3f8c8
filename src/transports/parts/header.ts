/**
 * What each part of a file says of itself, in the 4 KiB before its bytes: of what it is a part, which one, and what its
 * bytes hash to. Readable with `head -c 4096`; the last line is the sha256 of all before it, so that a header that is
 * damaged is told from one that says something else.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Digest, digestOf, isDigest } from '../../content/digest.ts';
import { AirferryError } from '../../errors.ts';

/** Bytes before those of the part. */
export const PART_HEADER = 4096;
/** A name has three digits for the number. */
export const MOST_PARTS = 999;
const PART_TYPE = 'application/vnd.airferry.part.v1+json';
/** How every part begins, one of a later format too. */
const MAGIC = /^\{\n {2}"mediaType": "application\/vnd\.airferry\.part\.v\d{1,4}\+json"/;
/** Characters of that, and more. */
const BEGINNING = 80;
/** The sum and the end of its line. */
const SUM = 65;

const digest = z.custom<Digest>(isDigest, 'not a digest');
const bytes = z.number().int().nonnegative();

const schema = z.object({
  mediaType: z.literal(PART_TYPE),
  /** What was cut: a bundle, by the digest of its manifest. */
  bundle: z.object({ name: z.string().min(1).max(128), version: z.string().min(1).max(128), digest }),
  /** From 1, or `parity`: the exclusive or of all parts, each filled up with zeros. */
  part: z.union([z.number().int().min(1).max(MOST_PARTS), z.literal('parity')]),
  /** How many there are, parity not counted. */
  of: z.number().int().min(1).max(MOST_PARTS),
  /** Where its bytes lie in the whole, how many they are, and how many the whole has. */
  start: bytes,
  size: bytes,
  total: bytes,
  /** Over its bytes: see `leaves.ts`. */
  digest,
  /** Over the digests of all parts: parts that have it in common were cut in one go. */
  set: digest,
  /** Whether there is a parity part. */
  parity: z.boolean(),
});

export type PartHeader = z.infer<typeof schema>;
/** What was cut into parts. */
export type PartsOf = PartHeader['bundle'];
/** What is known of a part before the others are. */
export type PartContent = Pick<PartHeader, 'part' | 'start' | 'size' | 'digest'>;

/** Whether bytes from the start of a file are those of a part. */
export function isPart(head: Uint8Array): boolean {
  return MAGIC.test(Buffer.from(head.subarray(0, BEGINNING)).toString('latin1'));
}

/** The digest that all parts of one cut have in common. */
export function setDigest(bundle: PartsOf, contents: readonly PartContent[]): Digest {
  const sorted = contents.toSorted((a, b) => numberOf(a) - numberOf(b));
  const parts = sorted.map(({ part, start, size, digest }) => ({ part, start, size, digest }));
  const { name, version, digest } = bundle;
  return digestOf(JSON.stringify({ bundle: { name, version, digest }, parts }));
}

/** For sorting: parity comes last. */
export function numberOf({ part }: Pick<PartHeader, 'part'>): number {
  return part === 'parity' ? MOST_PARTS + 1 : part;
}

/** The bytes of a header. */
export function formatPartHeader(header: Omit<PartHeader, 'mediaType'>): Uint8Array {
  const text = JSON.stringify({ mediaType: PART_TYPE, ...header }, undefined, 2);
  const padded = `${text.padEnd(PART_HEADER - SUM - 1 - (Buffer.byteLength(text) - text.length))}\n`;
  return Buffer.from(`${padded}${sha256(Buffer.from(padded))}\n`);
}

/** Read a header. Throws BUNDLE_CORRUPT for one that is damaged, BUNDLE_INVALID for one of a later format. */
export function parsePartHeader(head: Uint8Array, file: string): PartHeader {
  const body = head.subarray(0, PART_HEADER - SUM);
  const sum = Buffer.from(head.subarray(PART_HEADER - SUM)).toString('latin1');
  if (head.length < PART_HEADER || sum !== `${sha256(body)}\n`) {
    throw new AirferryError(
      'BUNDLE_CORRUPT',
      `the first 4 KiB of ${file}, which say what part it is, are damaged`,
      {
        where: { file, offset: 0 },
        suggestions: ['Carry this one part over again; the others need not be.'],
      },
    );
  }
  const parsed = schema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new AirferryError(
    'BUNDLE_INVALID',
    `${file} is a part of a format that this airferry does not know`,
    {
      where: { file },
      suggestions: ['Use the airferry that made it, or a newer one.'],
    },
  );
}

/** `part 3 of 25`, `the parity part`. */
export function describePart({ part, of }: Pick<PartHeader, 'part' | 'of'>): string {
  return part === 'parity' ? 'the parity part' : `part ${part} of ${of}`;
}

/** The file of a part: `site.tar.003`, `site.tar.parity`. */
export function partPath(path: string, part: PartHeader['part']): string {
  return `${path}.${part === 'parity' ? part : String(part).padStart(3, '0')}`;
}

/** The name of the whole, out of the name of one of its parts; undefined where it is none. */
export function wholeName(name: string): string | undefined {
  return /^(.+)\.(?:[0-9]{3}|parity)(?:;1)?$/i.exec(name)?.[1];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
