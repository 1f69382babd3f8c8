/**
 * The platform that a Linux binary was built for, read from its ELF header: the one test that catches an archive of
 * another architecture before it is packed, and again before it is installed.
 *
 * Layout: ELF specification 1.2, "ELF header"; machine numbers: gABI `e_machine`.
 */

/** Bytes from the start of a file that `elfPlatform` wants to see. */
export const ELF_HEAD_BYTES = 64;

const CLASS_32 = 1;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const BIG_ENDIAN = 2;
const EXECUTABLE = 2;
const SHARED = 3;

const MACHINES: Record<string, string> = {
  '3 32 le': 'linux/386',
  '62 64 le': 'linux/amd64',
  '183 64 le': 'linux/arm64',
  '40 32 le': 'linux/arm',
  '21 64 le': 'linux/ppc64le',
  '22 64 be': 'linux/s390x',
  '243 64 le': 'linux/riscv64',
  '258 64 le': 'linux/loong64',
};

const ARM_HARD_FLOAT = 0x400;
const ARM_SOFT_FLOAT = 0x200;

/**
 * The platform of an executable, from its first 64 bytes (fewer are read as far as they go). Undefined when they are
 * not the header of an executable, or of no machine that Docker is built for.
 *
 * 32-bit ARM: linked for hardware floating point is `linux/arm/v7` (armhf), for software `linux/arm/v6` (armel); a
 * pure Go binary says neither and is `linux/arm`.
 */
export function elfPlatform(head: Uint8Array): string | undefined {
  if (head.length < 52) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0) !== 0x7f454c46) return undefined;
  const width = head[4];
  const order = head[5];
  if ((width !== CLASS_32 && width !== CLASS_64) || (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN))
    return undefined;
  const little = order === LITTLE_ENDIAN;
  const type = view.getUint16(16, little);
  if (type !== EXECUTABLE && type !== SHARED) return undefined;
  const machine = view.getUint16(18, little);
  const platform = MACHINES[`${machine} ${width === CLASS_64 ? 64 : 32} ${little ? 'le' : 'be'}`];
  if (platform !== 'linux/arm') return platform;
  const flags = view.getUint32(36, little);
  if (flags & ARM_HARD_FLOAT) return 'linux/arm/v7';
  return flags & ARM_SOFT_FLOAT ? 'linux/arm/v6' : platform;
}

/**
 * Whether binaries of platform `found` are what `wanted` names. `linux/arm64/v8` is `linux/arm64`, and `linux/arm`
 * (nothing said about floating point) fits every 32-bit ARM variant.
 */
export function samePlatform(found: string, wanted: string): boolean {
  return narrower(found, wanted) !== undefined;
}

/** The more exact of two platforms that agree, undefined when they contradict each other. */
export function narrower(a: string, b: string): string | undefined {
  const [one, other] = [a, b].map(p => (p === 'linux/arm64/v8' ? 'linux/arm64' : p)) as [string, string];
  if (one === other) return one;
  if (one === 'linux/arm' && other.startsWith('linux/arm/')) return other;
  if (other === 'linux/arm' && one.startsWith('linux/arm/')) return one;
  return undefined;
}
