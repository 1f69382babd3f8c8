/** Is there room, and on a file system that can carry images? */
import { INSTALL_ROOT } from '../../engine/release.ts';
import type { PathFacts } from '../../host/facts.ts';
import { formatBytes } from '../../support/format.ts';
import type { Finding } from '../finding.ts';
import { KEPT_ROOT } from '../gather-facts.ts';
import { type CheckInput, ok } from './input.ts';

/** Inodes; an image of a distribution has ten thousand files or more. */
const FEW_INODES = 100_000;
/** Below this a host fills up by its logs alone; bytes. */
const LITTLE = 1_000_000_000;
/** File systems on which overlay2 does not work. */
const UNFIT = /^(?:nfs4?|cifs|vfat|fuseblk|ntfs3?|ecryptfs)$/;

export function checkSpace(input: CheckInput): Finding[] {
  return [...checkRoom(input), ...checkFileSystem(input)];
}

/** Places that share a file system share its free space, so they are added up. */
function checkRoom({ facts, space, dataRoot }: CheckInput): Finding[] {
  const needs: [path: string, what: string, bytes: number][] = [
    [dataRoot, 'images', space?.images ?? 0],
    [INSTALL_ROOT, 'programs', space?.release ?? 0],
    [KEPT_ROOT, 'what is uploaded', space?.staging ?? 0],
  ];
  const byMount = new Map<string, { place: PathFacts; parts: typeof needs }>();
  for (const need of needs) {
    const place = facts.paths.find(({ path }) => path === need[0]);
    if (!place || place.mount === '') continue;
    const group = byMount.get(place.mount) ?? { place, parts: [] };
    group.parts.push(need);
    byMount.set(place.mount, group);
  }
  return [...byMount.values()].map(({ place, parts }) => {
    const needed = parts.reduce((sum, [, , bytes]) => sum + bytes, 0);
    const id = `space-${place.mount}`;
    const free = `${formatBytes(place.free)} free on ${place.mount}`;
    const breakdown = parts
      .filter(([, , bytes]) => bytes > 0)
      .map(([path, what, bytes]) => `${formatBytes(bytes)} for ${what} (${path})`)
      .join(', ');
    if (needed > place.free) {
      return {
        id,
        level: 'error' as const,
        title: `${free}, about ${formatBytes(needed)} are needed: ${breakdown}`,
        why: 'The install would fill the disk.',
        fix: `Make room on ${place.mount}, mount a larger disk there, or set data-root in daemon.json to one.`,
      };
    }
    if (place.free - needed < LITTLE) {
      return {
        id,
        level: 'warn' as const,
        title: `${free}; about ${formatBytes(place.free - needed)} are left afterwards`,
        why: 'Logs and containers need room as well.',
        fix: `Make room on ${place.mount}, or mount a larger disk there.`,
      };
    }
    return ok(id, needed > 0 ? `${free}, about ${formatBytes(needed)} are needed` : free);
  });
}

function checkFileSystem({ facts, dataRoot }: CheckInput): Finding[] {
  const place = facts.paths.find(({ path }) => path === dataRoot);
  if (!place) return [];
  const findings: Finding[] = [];
  if (place.ftype === false) {
    findings.push({
      id: 'ftype',
      level: 'error',
      title: `${place.mount}, an xfs, was made with ftype=0`,
      why: 'overlay2 needs file types in folders; without them images come out wrong.',
      fix: 'Make the file system anew (mkfs.xfs -n ftype=1), or set data-root in daemon.json to another one.',
    });
  } else if (UNFIT.test(place.type)) {
    findings.push({
      id: 'file-system',
      level: 'error',
      title: `${dataRoot} would lie on ${place.type} (${place.mount})`,
      why: 'overlay2 does not work on it.',
      fix: 'Set data-root in daemon.json to a folder on ext4 or xfs.',
    });
  } else findings.push(ok('file-system', `${dataRoot} is on ${place.type}`));
  if (place.inodesFree !== undefined && place.inodesFree > 0 && place.inodesFree < FEW_INODES) {
    findings.push({
      id: 'inodes',
      level: 'warn',
      title: `only ${place.inodesFree} inodes are free on ${place.mount}`,
      why: 'Images consist of many small files; the disk is full when inodes run out.',
      fix: 'Remove what is not needed, or make the file system anew with more inodes (mkfs.ext4 -N).',
    });
  }
  return findings;
}
