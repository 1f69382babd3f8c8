/**
 * The gzip encoder: a member (RFC 1952) of a block of bytes, whose deflate stream WebAssembly writes. The same bytes on
 * every processor and with every version of Node, which zlib does not promise. Its source is under assembly/deflate;
 * `npm run wasm` compiles it.
 */
import { crc32 } from 'node:zlib';

/** Most bytes of a block. */
export const BLOCK = 1024 * 1024;

/** WebAssembly as far as it is needed here; the types of Node leave it out. */
export type CompiledModule = object;
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => CompiledModule;
  Instance: new (module: CompiledModule) => { exports: object };
};

interface Exports {
  memory: { buffer: ArrayBuffer };
  input(): number;
  output(): number;
  deflate(length: number): number;
}

/** Deflate, no flags, no time, nothing said of the effort, unknown operating system: nothing that could differ. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
const TRAILER = 8;

/** Compile the code; threads can be handed what comes out. */
export function compiled(code: Uint8Array): CompiledModule {
  return new WebAssembly.Module(code);
}

/** Has 2.5 MB of memory of its own. */
export class GzipEncoder {
  readonly #exports: Exports;

  constructor(module: CompiledModule) {
    this.#exports = new WebAssembly.Instance(module).exports as Exports;
  }

  /** The gzip member of a block of at most BLOCK bytes. It depends on these alone. */
  member(block: Uint8Array): Uint8Array<ArrayBuffer> {
    if (block.length > BLOCK)
      throw new RangeError(`a block of ${block.length} bytes; at most ${BLOCK} are taken`);
    const { memory, input, output, deflate } = this.#exports;
    new Uint8Array(memory.buffer, input(), block.length).set(block);
    const length = deflate(block.length);
    const member = new Uint8Array(HEADER.length + length + TRAILER);
    member.set(HEADER);
    member.set(new Uint8Array(memory.buffer, output(), length), HEADER.length);
    const trailer = new DataView(member.buffer, HEADER.length + length);
    trailer.setUint32(0, crc32(block), true);
    trailer.setUint32(4, block.length, true);
    return member;
  }
}
