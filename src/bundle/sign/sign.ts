/** Signing a bundle: the one that is being written, and one that lies there, which is changed at its very end. */
import type { Digest } from '../../content/digest.ts';
import type { MinisignPublicKey, MinisignSignature } from '../../content/minisign.ts';
import { AirferryError } from '../../errors.ts';
import { withFileLock } from '../../support/file-lock.ts';
import type { PendingOutput } from '../../support/write-file.ts';
import { END_OF_ARCHIVE } from '../../tar/write.ts';
import { changeInPlace, changeLock, finishChange } from '../../transports/archive/journal.ts';
import { formatTail } from '../../transports/archive/tail.ts';
import { assertOneFile } from '../../transports/parts/open.ts';
import { Bundle } from '../open.ts';
import { signBytes, verifyBytes } from './ed25519.ts';
import { MOST_SIGNATURES, readSignatures, signatureFile, signaturesStart } from './entries.ts';
import { publicKeyOf, type SecretKey } from './secret-key.ts';

/** What a bundle's signature is over, and what its comment tells. */
export interface Signable {
  name: string;
  version: string;
  digest: Digest;
  /** The bytes of the manifest, which names all else. */
  manifest: Uint8Array;
}

export interface Signed {
  keyId: string;
  comment: string;
  /** `present`: the key had signed it already, and nothing was changed. */
  outcome: 'signed' | 'present';
}

/** What a signer says where nobody gave other words: when, and of what. Seconds come from SOURCE_DATE_EPOCH if it is set. */
export function defaultComment({ name, version, digest }: Omit<Signable, 'manifest'>): string {
  const epoch = Number(process.env.SOURCE_DATE_EPOCH);
  const seconds = Number.isSafeInteger(epoch) && epoch > 0 ? epoch : Math.floor(Date.now() / 1000);
  const said = [`timestamp:${seconds}`, `bundle:${name} ${version}`, `manifest:${digest}`].join('\t');
  return said.replace(/[^\t\P{C}]/gu, '?');
}

/** Add a signature to a bundle that was written just now, before it gets its name. */
export async function signPending(
  file: PendingOutput,
  content: Signable,
  secret: SecretKey,
  comment?: string,
): Promise<Signed> {
  const signature = signBytes(content.manifest, secret, comment ?? defaultComment(content));
  await file.rewind(file.position - END_OF_ARCHIVE.length);
  await file.append(await formatTail([signatureFile(signature)]));
  return { keyId: secret.keyId, comment: signature.trustedComment, outcome: 'signed' };
}

/**
 * Sign a bundle where it lies. A signature of the same key is replaced, unless it is good and no other comment is given;
 * those of other keys stay. Nothing but the end of the file is written: a few kilobytes, as a whole or not at all.
 * Throws what opening throws, FILE_UNWRITABLE, DISK_FULL, and SIGNATURE_INVALID for more than 16 signatures.
 */
export async function signBundle(
  path: string,
  secret: SecretKey,
  { comment, signal }: { comment?: string; signal?: AbortSignal } = {},
): Promise<Signed> {
  return change(path, signal, content => {
    const good = content.signatures.find(signature =>
      isGood(signature, content.manifest, publicKeyOf(secret)),
    );
    if (good !== undefined && (comment === undefined || comment === good.trustedComment)) return good;
    return signBytes(content.manifest, secret, comment ?? defaultComment(content));
  });
}

/**
 * Add a signature that was made elsewhere, as on a machine that nothing is connected to. It has to be the given key's, and over this
 * bundle: throws SIGNATURE_INVALID otherwise, and what `signBundle` throws.
 */
export async function attachSignature(
  path: string,
  signature: MinisignSignature,
  key: MinisignPublicKey,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Signed> {
  return change(path, signal, ({ manifest, signatures }) => {
    if (!isGood(signature, manifest, key)) {
      throw new AirferryError(
        'SIGNATURE_INVALID',
        `the signature is not one of key ${key.keyId} over ${path}`,
        {
          where: { file: path },
          suggestions: [
            `Sign what \`airferry bundle inspect --manifest ${path}\` prints, as it is: minisign -Sm manifest.json`,
          ],
        },
      );
    }
    const same = Buffer.from(signature.globalSignature);
    return signatures.find(({ globalSignature }) => same.equals(globalSignature)) ?? signature;
  });
}

/** Put what `make` returns among the signatures. Where it is one of those that are there already, nothing is written. */
async function change(
  path: string,
  signal: AbortSignal | undefined,
  make: (content: Signable & { signatures: MinisignSignature[] }) => MinisignSignature,
): Promise<Signed> {
  finishChange(path);
  const work = async (): Promise<Signed> => {
    const bundle = Bundle.open(path);
    try {
      assertOneFile(bundle.file);
      const { name, version } = bundle.manifest;
      const found = readSignatures(bundle.file, bundle.tail).signatures.map(({ signature }) => signature);
      const content = { name, version, digest: bundle.digest, manifest: bundle.manifestBytes };
      const made = make({ ...content, signatures: found });
      const result = { keyId: made.keyId, comment: made.trustedComment };
      if (found.includes(made)) return { ...result, outcome: 'present' };
      const all = [...found.filter(({ keyId }) => keyId !== made.keyId), made];
      if (all.length > MOST_SIGNATURES) throw tooMany(path);
      const tail = await formatTail(all.map(signatureFile));
      changeInPlace(path, [{ offset: signaturesStart(bundle.tail), bytes: tail }]);
      return { ...result, outcome: 'signed' };
    } finally {
      bundle.close();
    }
  };
  return withFileLock(changeLock(path), work, { ...(signal && { signal }) });
}

function isGood(signature: MinisignSignature, manifest: Uint8Array, key: MinisignPublicKey): boolean {
  return signature.keyId === key.keyId && verifyBytes(manifest, signature, key);
}

function tooMany(path: string): AirferryError {
  return new AirferryError(
    'SIGNATURE_INVALID',
    `${path} has ${MOST_SIGNATURES} signatures, and takes no more`,
    {
      where: { file: path },
    },
  );
}
