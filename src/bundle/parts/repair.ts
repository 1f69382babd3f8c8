/** Making one lost or damaged part of a bundle anew, out of all others and the parity part. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { ReadFile } from '../../support/file.ts';
import { plural } from '../../support/format.ts';
import type { Meter } from '../../support/meter.ts';
import { PendingFile } from '../../support/write-file.ts';
import { findParts, type PartSet } from '../../transports/parts/find.ts';
import {
  describePart,
  formatPartHeader,
  numberOf,
  PART_HEADER,
  type PartContent,
  type PartHeader,
  partPath,
  setDigest,
  wholeName,
} from '../../transports/parts/header.ts';
import type { Part } from '../../transports/parts/joined.ts';
import { LeafDigester } from '../../transports/parts/leaves.ts';
import { incomplete } from '../../transports/parts/open.ts';
import { exclusiveOr } from '../../transports/parts/parity.ts';
import { isSoundPart } from './check.ts';

export interface RepairOptions {
  /** Any part, or what their names have in common. */
  path: string;
  /** Folders in which parts may lie, beside that of the path. */
  parts?: readonly string[] | undefined;
  /** The folder for the new part. Default: that of the path. */
  output?: string | undefined;
  meter: Meter;
  signal?: AbortSignal | undefined;
}

export interface Repaired {
  /** How many parts were found and hashed. */
  checked: number;
  /** The part that was made; undefined where nothing was wrong. */
  part?: PartHeader['part'];
  path?: string;
  /** Bytes of the file. */
  size?: number;
}

/**
 * Hash all parts; where one is missing or damaged, make it anew, and check that it is the one that was lost before it gets
 * its name. Throws BUNDLE_PARTS_MISSING where more than one is lost or there is no parity part, BUNDLE_CORRUPT where what is
 * left does not give the lost part, FILE_NOT_FOUND.
 */
export async function repairParts({ path, parts, output, meter, signal }: RepairOptions): Promise<Repaired> {
  const set = findSet(path, parts);
  if (!set) throw noParts(path);
  for (const { header } of set.found) meter.expect(header.size);
  const sound: Part[] = [];
  for (const part of set.found) if (await isSoundPart(part, { meter, signal })) sound.push(part);
  const here = new Set(sound.map(({ header }) => numberOf(header)));
  const lost = [...set.missing, ...set.found.map(({ header }) => header.part)].filter(
    part => !here.has(numberOf({ part })),
  );
  const checked = set.found.length;
  const [part] = lost;
  if (part === undefined) return { checked };
  if (lost.length > 1 || !set.header.parity) throw beyondRepair(set, lost);
  const name = wholeName(basename(path)) ?? basename(path);
  const target = partPath(join(output ?? dirname(path), name), part);
  const size = await rebuild(set, sound, part, target, signal);
  return { checked, part, path: target, size };
}

/** A part whose header is damaged still has a name, and the others tell. */
function findSet(path: string, parts: readonly string[] | undefined): PartSet | undefined {
  try {
    return findParts(path, parts);
  } catch (error) {
    const whole = wholeName(basename(path));
    if (whole === undefined || !isAirferryError(error, 'BUNDLE_CORRUPT')) throw error;
    return findParts(join(dirname(path), whole), parts);
  }
}

async function rebuild(
  { header }: PartSet,
  sound: readonly Part[],
  part: PartHeader['part'],
  path: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { bundle, of, total, set, parity } = header;
  const each = sound.find(one => one.header.part === 1)?.header.size ?? sound.at(-1)?.header.size ?? 0;
  const start = part === 'parity' ? 0 : (part - 1) * each;
  const size = part === 'parity' ? each : Math.min(each, total - start);
  const files = sound.map(one => ReadFile.open(one.path));
  const file = await PendingFile.create(path);
  try {
    const sources = files.map(
      open => async (at: number, length: number) => open.readAt(PART_HEADER + at, length),
    );
    const digester = new LeafDigester();
    file.skip(PART_HEADER);
    for await (const chunk of exclusiveOr(sources, size)) {
      signal?.throwIfAborted();
      digester.update(chunk);
      await file.append(chunk);
    }
    const content: PartContent = { part, start, size, digest: digester.digest() };
    if (setDigest(bundle, [...sound.map(one => one.header), content]) !== set) throw wrongResult(path);
    await file.writeAt(formatPartHeader({ bundle, ...content, of, total, set, parity }), 0);
    await file.commit();
    return PART_HEADER + size;
  } catch (error) {
    await file.discard();
    throw error;
  } finally {
    for (const open of files) open.close();
  }
}

function beyondRepair(set: PartSet, lost: readonly PartHeader['part'][]): AirferryError {
  const paths = set.found
    .filter(({ header }) => lost.includes(header.part))
    .map(({ path }) => `${path} is damaged`);
  const why = set.header.parity
    ? `${plural(lost.length, 'part')} are lost, and the parity part makes up for one`
    : 'there is no parity part';
  const error = incomplete(set, lost);
  return new AirferryError(
    paths.length === lost.length ? 'BUNDLE_CORRUPT' : error.code,
    `${set.path} cannot be repaired: ${why}`,
    {
      where: { file: set.path },
      suggestions: [
        `Carry over again: ${lost.map(part => describePart({ part, of: set.header.of })).join(', ')}.`,
        ...paths,
        ...error.suggestions.slice(0, 1),
      ],
    },
  );
}

function wrongResult(path: string): AirferryError {
  return new AirferryError(
    'BUNDLE_CORRUPT',
    `what is left does not give ${path} again, so it was not written`,
    {
      where: { file: path },
      suggestions: ['Carry that part over again.'],
    },
  );
}

function noParts(path: string): AirferryError {
  if (existsSync(path))
    return new AirferryError('BUNDLE_INVALID', `${path} is no part of a bundle`, {
      where: { file: path },
      suggestions: [`To repair the parts that lie beside it, name one of them: ${path}.001.`],
    });
  return new AirferryError(
    'FILE_NOT_FOUND',
    `${path} is no part of a bundle, and there is none of that name`,
    {
      where: { file: path },
      suggestions: ['Name one of the parts, as site.tar.001, and the folders of the others: --parts DIR.'],
    },
  );
}
