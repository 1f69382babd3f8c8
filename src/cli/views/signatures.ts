/** Keys and signatures: what was made, and what signatures are worth here. */
import type { BundleKeys } from '../../actions/bundle-keygen.ts';
import type { BundleSigned } from '../../actions/bundle-sign.ts';
import type { SignatureReport, SignatureVerdict } from '../../bundle/sign/check.ts';
import { pairs } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const INDENT = '  ';

export function keysView(keys: BundleKeys, look: Look): string[] {
  const { paint, glyphs } = look;
  const { keyId, secretKey, publicKey, encrypted } = keys;
  return [
    `${paint.green(glyphs.tick)} ${paint.bold(`key ${keyId}`)}`,
    ...pairs(
      [
        ['secret', `${secretKey}${encrypted ? '' : ', without a password: whoever has the file can sign'}`],
        ['public', `${publicKey}, to be trusted at every site`],
      ],
      look,
      INDENT,
    ),
  ];
}

export function signedView({ path, keyId, comment, outcome }: BundleSigned, look: Look): string[] {
  const { paint, glyphs } = look;
  const done = outcome === 'signed' ? 'is signed' : 'was signed already';
  return [
    `${paint.green(glyphs.tick)} ${paint.bold(clean(path))} ${done} by key ${keyId}`,
    ...pairs([['says', saidBy(comment)]], look, INDENT),
  ];
}

/** The signatures of a bundle, one line each; one line for a bundle without any. */
export function signatureLines(report: SignatureReport): string[] {
  if (report.signatures.length === 0) return ['no: nothing tells who made it, or that nobody changed it'];
  return report.signatures.map(verdictLine);
}

function verdictLine({ keyId, verdict, comment, key }: SignatureVerdict): string {
  if (verdict === 'valid') return `by key ${keyId} (${key}): ${saidBy(comment ?? '')}`;
  if (verdict === 'invalid') return `by key ${keyId}, but not over this bundle`;
  return `by key ${keyId}, which is not trusted here: not checked`;
}

/** A trusted comment for eyes; minisign separates what is in it by tabs. */
function saidBy(comment: string): string {
  return clean(comment.replaceAll('\t', ', '));
}
