/** What a bundle's signatures are worth here, and whether that is enough. */
import { digestOf } from '../../content/digest.ts';
import { AirferryError } from '../../errors.ts';
import type { Bundle } from '../open.ts';
import { verifyBytes } from './ed25519.ts';
import { readSignatures } from './entries.ts';
import type { TrustedKey } from './trust.ts';

/** `signed` by a trusted key; by keys that are not (`untrusted`); `invalid` where a trusted key's does not fit; none. */
export type SignatureState = 'signed' | 'untrusted' | 'invalid' | 'unsigned';

export interface SignatureVerdict {
  keyId: string;
  /** `unknown`: nothing could be checked, since the key is not among the trusted ones. */
  verdict: 'valid' | 'invalid' | 'unknown';
  /** What the signer said; only where the signature is valid, since anybody could say anything. */
  comment?: string;
  /** The trusted key's file. */
  key?: string;
}

export interface SignatureReport {
  state: SignatureState;
  /** Whether keys are trusted here, so that nothing but `signed` will do. */
  demanded: boolean;
  signatures: SignatureVerdict[];
}

/** Check a bundle's signatures against the trusted keys. Throws nothing of its own: see `signatureError`. */
export function checkSignatures(bundle: Bundle, trusted: readonly TrustedKey[]): SignatureReport {
  const { signatures, damaged } = readSignatures(bundle.file, bundle.tail);
  const verdicts = signatures.map(({ signature }): SignatureVerdict => {
    const { keyId, trustedComment } = signature;
    // Key IDs are a hint, no proof: two keys may have one.
    const candidates = trusted.filter(key => key.keyId === keyId);
    const key = candidates.find(candidate => verifyBytes(bundle.manifestBytes, signature, candidate));
    if (key) return { keyId, verdict: 'valid', comment: trustedComment, key: key.file };
    const [first] = candidates;
    return first ? { keyId, verdict: 'invalid', key: first.file } : { keyId, verdict: 'unknown' };
  });
  const all = [
    ...verdicts,
    ...damaged.map(
      ({ entry }): SignatureVerdict => ({ keyId: entry.name.slice(11, 27), verdict: 'invalid' }),
    ),
  ];
  return { state: stateOf(all), demanded: trusted.length > 0, signatures: all };
}

/** Why a bundle must not be used; undefined where it is signed well, or where no key is trusted and nothing is wrong. */
export function signatureError(path: string, report: SignatureReport): AirferryError | undefined {
  const { state, demanded, signatures } = report;
  const where = { file: path };
  const ids = signatures.map(({ keyId }) => keyId).join(', ');
  if (state === 'invalid') {
    const bad = signatures.find(({ verdict }) => verdict === 'invalid');
    return new AirferryError(
      'SIGNATURE_INVALID',
      `the signature of key ${bad?.keyId} is not over ${path}: the bundle was changed after it was signed, or is damaged`,
      {
        where,
        suggestions: ['Do not use it. Get it anew from the one who signed it, and ask what happened.'],
      },
    );
  }
  if (!demanded || state === 'signed') return undefined;
  if (state === 'unsigned') {
    return new AirferryError(
      'SIGNATURE_MISSING',
      `${path} is not signed, and keys are trusted here: unsigned bundles are refused`,
      {
        where,
        suggestions: [
          'Ask for a signed one. Where the bundle is made: airferry bundle sign BUNDLE -k site.key',
          'To do without signatures, take the keys out of ~/.config/airferry/trusted-keys and /etc/airferry/trusted-keys.',
        ],
      },
    );
  }
  return new AirferryError('SIGNATURE_UNTRUSTED', `${path} is signed by ${ids}, which is not trusted here`, {
    where,
    suggestions: [
      'If it should be, get the .pub file of the one who signed by another way than the bundle, compare the key ID, and put it into ~/.config/airferry/trusted-keys.',
    ],
  });
}

/** A sentence for a bundle that may be used, though no checked signature vouches for it; undefined where one does. */
export function unsignedWord(path: string, { state, signatures }: SignatureReport): string | undefined {
  if (state === 'unsigned')
    return `${path} is not signed: that it is whole can be checked, who made it cannot (airferry bundle sign --help).`;
  if (state === 'untrusted')
    return `${path} is signed by ${signatures.map(({ keyId }) => keyId).join(', ')}, but no key is trusted here, so nothing was checked (--trusted-key FILE).`;
  return undefined;
}

/**
 * Throws SIGNATURE_MISSING, SIGNATURE_UNTRUSTED or SIGNATURE_INVALID unless the bundle may be used here; DIGEST_MISMATCH where
 * `index.json`, by which its images are found, is not the one that the manifest names.
 */
export function demandSignature(bundle: Bundle, trusted: readonly TrustedKey[]): SignatureReport {
  const report = checkSignatures(bundle, trusted);
  const error = signatureError(bundle.path, report);
  if (error) throw error;
  demandIndex(bundle);
  return report;
}

/** Blobs are checked by their digests as they are read; of what names the images only the manifest tells whether it belongs. */
function demandIndex({ path, manifest, indexBytes }: Bundle): void {
  const named = manifest.documents['index.json'];
  if (named && digestOf(indexBytes, named.digest) === named.digest) return;
  throw new AirferryError('DIGEST_MISMATCH', `index.json of ${path} is not the one that its manifest names`, {
    where: { file: path },
    suggestions: [
      'Do not use it; carry the bundle over again. `airferry bundle verify` tells all that is wrong.',
    ],
  });
}

function stateOf(verdicts: readonly SignatureVerdict[]): SignatureState {
  if (verdicts.some(({ verdict }) => verdict === 'invalid')) return 'invalid';
  if (verdicts.some(({ verdict }) => verdict === 'valid')) return 'signed';
  return verdicts.length > 0 ? 'untrusted' : 'unsigned';
}
