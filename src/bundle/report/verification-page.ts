/** The evidence of a verification as a page: the verdict first, every digest last. */
import { formatBytes, formatDuration, plural } from '../../support/format.ts';
import type { SignatureReport, SignatureVerdict } from '../sign/check.ts';
import { html, type Markup, type Piece } from './html.ts';
import { badge, digestMark, facts, formatPage, type Section, table, tiles } from './page.ts';
import { bar, legend } from './picture.ts';
import type { VerificationReport } from './verification.ts';

/** Users of a blob that are named in a table. */
const MOST_USERS = 6;

/** The page of a report, as UTF-8. The same report gives the same bytes. */
export function verificationPage(report: VerificationReport): string {
  const { bundle, checked, startedAt, finishedAt } = report;
  const name = bundle.name ?? bundle.path;
  const took = Date.parse(finishedAt) - Date.parse(startedAt);
  return formatPage({
    title: `${report.result === 'sound' ? 'Sound' : 'REFUSED'}: ${name} ${bundle.version ?? ''}`,
    kind: 'verification report',
    heading: html`${name} <small>${bundle.version}</small>`,
    lead: html`
${bundle.digest !== undefined && html`<p>${digestMark(bundle.digest)}</p>`}
${verdict(report)}
${
  checked &&
  tiles([
    [formatBytes(checked.bytes), 'read and hashed'],
    [String(checked.entries), 'blobs and documents'],
    [String(checked.references), 'references followed'],
    [String(report.problems.length), report.problems.length === 1 ? 'problem' : 'problems'],
    [formatDuration(took), 'from start to end'],
  ])
}`,
    sections: sections(report),
    foot: html`airferry ${report.airferry}, ${startedAt}. Report format ${report.schemaVersion}.`,
  });
}

function verdict({ result, error, problems, signature, leftOut }: VerificationReport): Markup {
  if (result === 'refused')
    return html`<div class="verdict bad" role="status"><b>Refused</b>${sentence(error?.message ?? '')}${
      problems.length > 1 && html` See <a href="#problems">all ${plural(problems.length, 'problem')}</a>.`
    }</div>`;
  const vouched = signature?.state === 'signed';
  const unseen = leftOut !== undefined && leftOut.checked < leftOut.blobs;
  return html`<div class="verdict ${vouched && !unseen ? 'good' : 'warn'}" role="status"><b>Sound</b>Every byte is as the manifest says. ${
    unseen && 'What it leaves out was not looked at. '
  }${
    vouched
      ? 'A trusted key has signed the manifest.'
      : 'No trusted key has signed it: nothing tells who made it.'
  }</div>`;
}

function sections(report: VerificationReport): Section[] {
  const { problems, entries, signature } = report;
  const all: (Section | false)[] = [
    { id: 'checked', title: 'What was checked', body: what(report) },
    problems.length > 0 && {
      id: 'problems',
      title: plural(problems.length, 'problem'),
      body: damages(report),
    },
    signature !== undefined && { id: 'signature', title: 'Signature', body: signatures(signature) },
    entries.length > 0 && { id: 'digests', title: 'Every digest', body: digests(report) },
  ];
  return all.filter(section => section !== false);
}

function what({
  bundle,
  checked,
  leftOut,
  airferry,
  startedAt,
  finishedAt,
  result,
}: VerificationReport): Markup {
  return html`${facts([
    ['file', html`<code>${bundle.path}</code>`],
    ...(bundle.size === undefined ? [] : ([['size', `${bundle.size} bytes`]] as const)),
    ['started', time(startedAt)],
    ['finished', time(finishedAt)],
    ['by', `airferry ${airferry}`],
    ...(leftOut ? ([['left out', leftOutWords(leftOut)]] as const) : []),
    ['result', result],
  ])}
${
  checked
    ? html`<p class="soft note">The digest above is that of the bundle's manifest. The manifest names every blob and document by digest and
size: each that is in it was read in full and hashed, all between them compared with what airferry writes, and every reference followed from
images down to layers. Entries that the manifest does not name are refused.</p>`
    : html`<p class="soft note">The bundle could not be opened, so its blobs were not looked at.</p>`
}`;
}

function leftOutWords({ blobs, bytes, checked, bases }: NonNullable<VerificationReport['leftOut']>): string {
  const where = `${plural(blobs, 'blob')} of ${formatBytes(bytes)}, to be found in ${bases.join(' and ')}`;
  return `${where}; ${checked === blobs ? 'all' : `${checked} of them`} hashed there`;
}

function damages({ problems, bundle }: VerificationReport): Markup {
  const size = bundle.size ?? 0;
  const least = size / 300;
  const places = problems.flatMap(({ offset, size: length = 0, message }) =>
    offset === undefined ? [] : [{ at: offset, size: Math.max(least, length), message }],
  );
  return html`${size > 0 && places.length > 0 && strip(places, size)}
${table(
  'Problems',
  [{ title: 'Kind' }, { title: 'What' }, { title: 'Needed by' }, { title: 'At byte', right: true }],
  problems.map(({ kind, message, usedBy, offset }) => [
    badge('bad', kind),
    message,
    few(usedBy),
    offset === undefined ? '' : String(offset),
  ]),
)}`;
}

/** The file from its first byte to its last, and where it is damaged. */
function strip(places: readonly { at: number; size: number; message: string }[], size: number): Markup {
  let at = 0;
  const stretches = places.flatMap(place => {
    const start = Math.min(Math.max(place.at, at), size);
    const end = Math.min(Math.max(place.at + place.size, start), size);
    const gap = { size: start - at, colour: 'track', title: 'no damage' };
    at = end;
    return [gap, { size: end - start, colour: 'hurt', title: place.message }];
  });
  return html`${bar(stretches, size, `The file from start to end, damaged in ${plural(places.length, 'place')}`)}
${legend([['hurt', 'damaged, from the start of the file on the left to its end']])}`;
}

const STATES: Record<SignatureReport['state'], [colour: string, words: string]> = {
  signed: ['good', 'signed by a trusted key'],
  untrusted: ['warn', 'signed, but by no key that is trusted here'],
  invalid: ['bad', 'the signature of a trusted key does not fit'],
  unsigned: ['warn', 'not signed'],
};

const VERDICTS: Record<SignatureVerdict['verdict'], [colour: string, words: string]> = {
  valid: ['good', 'valid'],
  invalid: ['bad', 'invalid'],
  unknown: ['warn', 'not checked: the key is unknown here'],
};

function signatures({ state, demanded, signatures }: SignatureReport): Markup {
  const [colour, words] = STATES[state];
  const rows = signatures.map(({ keyId, verdict, comment, key }): Piece[] => [
    html`<code>${keyId}</code>`,
    badge(...VERDICTS[verdict]),
    (comment ?? '').replaceAll('\t', ', '),
    key,
  ]);
  return html`<p>${badge(colour, words)} <span class="soft">${
    demanded
      ? 'Keys are trusted where this was checked: nothing but one of their signatures will do.'
      : 'No key is trusted where this was checked, so none is demanded.'
  }</span></p>
${
  rows.length > 0 &&
  table(
    'Signatures',
    [{ title: 'Key' }, { title: 'Verdict' }, { title: 'What the signer said' }, { title: 'Trusted by' }],
    rows,
  )
}`;
}

function digests({ entries, bundle }: VerificationReport): Markup {
  const colours = { sound: 'good', damaged: 'bad', missing: 'bad', elsewhere: 'warn' } as const;
  return table(
    'Every blob and document that the manifest names',
    [{ title: 'Digest' }, { title: 'Needed by' }, { title: 'Result' }, { title: 'Bytes', right: true }],
    entries.map(({ name, digest, size, result, usedBy }) => [
      html`${digestMark(digest)}${!name.startsWith('blobs/') && html` <code>${name}</code>`}`,
      digest === bundle.digest ? 'the bundle: its manifest' : few(usedBy),
      badge(colours[result], result),
      String(size),
    ]),
  );
}

/** What happened, as a sentence of its own; a path at its start stays as it is. */
function sentence(text: string): string {
  const whole = /^\p{Ll}+[ ,]/u.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return `${whole}.`;
}

/** What needs a blob, as far as a reader would read on; the report in JSON has all. */
function few(users: readonly string[]): string {
  const shown = users.slice(0, MOST_USERS).join(', ');
  return users.length > MOST_USERS ? `${shown} and ${users.length - MOST_USERS} more` : shown;
}

function time(text: string): Markup {
  return html`<time datetime="${text}">${text.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC')}</time>`;
}
