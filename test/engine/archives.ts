/** Engine archives for tests: real tar and gzip around binaries that are an ELF header and filling. */
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

/** e_machine, ELF class (1: 32 bit, 2: 64), byte order (1: little, 2: big), e_flags. */
const MACHINES: Record<string, [machine: number, width: number, order: number, flags?: number]> = {
  'linux/amd64': [62, 2, 1],
  'linux/arm64': [183, 2, 1],
  'linux/arm': [40, 1, 1, 0x05000002],
  'linux/arm/v7': [40, 1, 1, 0x05000400],
  'linux/arm/v6': [40, 1, 1, 0x05000200],
  'linux/386': [3, 1, 1],
  'linux/ppc64le': [21, 2, 1],
  'linux/s390x': [22, 2, 2],
  'linux/riscv64': [243, 2, 1],
};

export const ELF_PLATFORMS = Object.keys(MACHINES);

/** An ELF header as a linker writes it, filled up to `size` bytes. */
export function elf(platform: string, size = 64): Buffer {
  const [machine, width, order, flags = 0] = MACHINES[platform] ?? [0, 0, 0];
  const head = Buffer.alloc(size);
  head.set([0x7f, 0x45, 0x4c, 0x46, width, order, 1]);
  const little = order === 1;
  const put16 = (value: number, at: number): unknown =>
    little ? head.writeUInt16LE(value, at) : head.writeUInt16BE(value, at);
  const put32 = (value: number, at: number): unknown =>
    little ? head.writeUInt32LE(value, at) : head.writeUInt32BE(value, at);
  put16(2, 16);
  put16(machine, 18);
  put32(1, 20);
  put32(flags, width === 1 ? 36 : 48);
  return head;
}

export interface Member {
  name: string;
  content?: Buffer;
  type?: 'file' | 'link' | 'symlink' | 'directory' | 'character-device' | 'block-device' | 'fifo';
  mode?: number;
  linkname?: string;
  pax?: Record<string, string>;
}

/** A tar of the members, in their order. */
export async function tar(members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content, type = 'file', mode = 0o755, linkname, pax } of members) {
    const header = {
      name,
      type,
      mode,
      mtime: new Date(0),
      ...(linkname === undefined ? {} : { linkname }),
      ...(pax && { pax }),
    };
    archive.entry(header, content ?? Buffer.alloc(0));
  }
  archive.finalize();
  return Buffer.concat((await Array.fromAsync(archive)) as Buffer[]);
}

/** The members of an engine archive with these binaries. */
export function engineMembers(names: readonly string[], platform = 'linux/amd64', size = 2000): Member[] {
  return [
    { name: 'docker/', type: 'directory' },
    ...names.map(name => ({ name: `docker/${name}`, content: elf(platform, size) })),
  ];
}

export async function tgz(members: readonly Member[]): Promise<Buffer> {
  return gzipSync(await tar(members));
}

/** Bytes as a stream of chunks. */
export async function* stream(bytes: Uint8Array, chunk = 4096): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
}

export const BINARIES: Record<string, readonly string[]> = {
  '18.06.3-ce':
    'docker dockerd docker-init docker-proxy docker-containerd docker-containerd-ctr docker-containerd-shim docker-runc'.split(
      ' ',
    ),
  '18.09.9': 'docker dockerd docker-init docker-proxy containerd ctr containerd-shim runc'.split(' '),
  '19.03.5': 'docker dockerd docker-init docker-proxy containerd ctr containerd-shim runc'.split(' '),
  '19.03.15':
    'docker dockerd docker-init docker-proxy containerd ctr containerd-shim containerd-shim-runc-v2 runc'.split(
      ' ',
    ),
  '20.10.24':
    'docker dockerd docker-init docker-proxy containerd ctr containerd-shim containerd-shim-runc-v2 runc'.split(
      ' ',
    ),
  '23.0.6': 'docker dockerd docker-init docker-proxy containerd ctr containerd-shim-runc-v2 runc'.split(' '),
  '26.1.5': 'docker dockerd docker-init docker-proxy containerd ctr containerd-shim-runc-v2 runc'.split(' '),
  '29.0.1': 'docker dockerd docker-init docker-proxy containerd ctr containerd-shim-runc-v2 runc'.split(' '),
};
