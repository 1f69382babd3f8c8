/**
 * The key that a password stands for, as libsodium derives it: `crypto_pwhash_scryptsalsa208sha256`, which is scrypt with
 * parameters found from two limits. Source: libsodium, pwhash_scryptsalsa208sha256.c, `pickparams`.
 */
import { scrypt } from 'node:crypto';
import { AirferryError } from '../../errors.ts';
import { formatBytes } from '../../support/format.ts';

/** The limits that a secret key was encrypted under; stored with it. */
export interface ScryptLimits {
  /** Operations. */
  ops: bigint;
  /** Bytes of memory. */
  mem: bigint;
}

export interface ScryptParameters {
  N: number;
  r: number;
  p: number;
}

/** A quarter of minisign's own, which takes 1 GiB: operators' machines are small, and nobody wants to wait for the disk. */
export const OUR_LIMITS: ScryptLimits = { ops: 1n << 23n, mem: 1n << 28n };

/** Bytes of memory that we spend on a key; minisign's own keys need half of it. */
const MOST_MEMORY = 2n << 30n;
const MOST_OPERATIONS = 1n << 28n;
const BLOCK_SIZE = 8n;

/** The parameters of scrypt that libsodium makes of the limits. */
export function scryptParameters({ ops, mem }: ScryptLimits): ScryptParameters {
  const operations = ops < 32768n ? 32768n : ops;
  const byMemory = operations >= mem / 32n;
  const most = byMemory ? mem / (BLOCK_SIZE * 128n) : operations / (BLOCK_SIZE * 4n);
  let log = 1n;
  while (log < 63n && 1n << log <= most / 2n) log++;
  const N = 1n << log;
  const rounds = operations / 4n / N;
  const p = byMemory ? (rounds > 0x3fffffffn ? 0x3fffffffn : rounds) / BLOCK_SIZE : 1n;
  return { N: Number(N), r: Number(BLOCK_SIZE), p: Number(p) };
}

/**
 * Derive `length` bytes. Takes seconds and the memory that the limits say. Throws KEY_INVALID for limits that are beyond
 * all reason, as of a file that was made to exhaust this machine, and where there is not enough memory.
 */
export async function deriveKey(
  password: string,
  salt: Uint8Array,
  limits: ScryptLimits,
  length: number,
): Promise<Buffer> {
  if (limits.mem > MOST_MEMORY || limits.ops > MOST_OPERATIONS) {
    throw new AirferryError(
      'KEY_INVALID',
      `the secret key wants ${formatBytes(Number(limits.mem))} of memory for its password, more than any that minisign makes`,
      { suggestions: ['The file is damaged, or was made to do harm: take the key from its backup.'] },
    );
  }
  const { N, r, p } = scryptParameters(limits);
  if (p === 0)
    throw new AirferryError(
      'KEY_INVALID',
      'the secret key has limits for its password that nothing satisfies',
    );
  const maxmem = 128 * N * r + 128 * r * p + (1 << 20);
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { N, r, p, maxmem }, (cause, key) => {
      if (cause === null) resolve(key);
      else
        reject(
          new AirferryError(
            'KEY_INVALID',
            `there is no memory to open the secret key: it takes ${formatBytes(maxmem)}`,
            {
              cause,
              suggestions: ['Sign on a machine with more memory, or make a key there without a password.'],
            },
          ),
        );
    });
  });
}
