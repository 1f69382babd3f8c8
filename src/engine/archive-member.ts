/** The gate for members of an engine archive: only plain files directly under `docker/` pass. */
import { AirferryError } from '../errors.ts';
import { formatBytes } from '../support/format.ts';
import type { TarHeader } from '../tar/header.ts';
import { shown } from './shown.ts';

/** What an engine archive may hold at most; the real ones hold a dozen files and 300 MB. */
export const ARCHIVE_LIMITS = {
  members: 64,
  memberBytes: 2 ** 29,
  /** Unpacked, headers and padding included. */
  totalBytes: 2 ** 30,
  nameBytes: 255,
} as const;

const FILE = /^docker\/([A-Za-z0-9][A-Za-z0-9._+-]*)$/;
const FOLDER = /^docker\/?$/;
const SET_ID_BITS = 0o6000;

/**
 * The file name of a member without its folder, undefined for the folder entries. Throws ARCHIVE_INVALID naming the
 * member and what is wrong with it.
 */
export function memberName(member: TarHeader, archive: string): string | undefined {
  const refuse = (why: string): AirferryError =>
    new AirferryError('ARCHIVE_INVALID', `${archive} was refused: ${shown(member.name)} ${why}`, {
      where: { file: archive },
      suggestions: ["The publisher's archive holds nothing of the kind: fetch it again from there."],
    });
  const { name } = member;
  if (Buffer.byteLength(name) > ARCHIVE_LIMITS.nameBytes)
    throw refuse(`has a name of ${Buffer.byteLength(name)} bytes`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(name)) throw refuse('has control characters or backslashes in its name');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw refuse('is an absolute path');
  if (name.split('/').includes('..')) throw refuse('climbs out of its folder with ".."');
  if (member.type === 'link' || member.type === 'symlink')
    throw refuse(
      `is a ${member.type === 'link' ? 'hard link' : 'symbolic link'} to ${shown(member.linkname)}`,
    );
  if (member.type !== 'file' && member.type !== 'directory') throw refuse('is no plain file');
  if (member.size > ARCHIVE_LIMITS.memberBytes) throw refuse(`states a size of ${formatBytes(member.size)}`);
  if (name.startsWith('docker-rootless-extras/')) {
    throw new AirferryError('ENGINE_INVALID', `${archive} holds the rootless extras, not the engine`, {
      where: { file: archive },
      suggestions: ['Use docker-<version>.tgz; docker-rootless-extras-<version>.tgz only adds to it.'],
    });
  }
  if (member.type === 'directory' || name.endsWith('/')) {
    if (!FOLDER.test(name)) throw refuse('lies outside of docker/');
    if (member.size > 0) throw refuse('is a folder that states a size');
    return undefined;
  }
  const file = FILE.exec(name)?.[1];
  if (file === undefined) throw refuse('lies outside of docker/');
  if (member.mode & SET_ID_BITS) throw refuse(`is setuid or setgid (mode ${member.mode.toString(8)})`);
  return file;
}
