/**
 * Retag rules: how names change on their way. An ordered list of `PATTERN=REPLACEMENT`; the first pattern that matches
 * a name rewrites it. `*` stands for any run of characters, slashes included, an earlier one for as many as it can
 * get; the n-th `*` of the replacement is what the n-th of the pattern matched.
 */
import { AirferryError } from '../errors.ts';
import {
  familiarName,
  formatReference,
  leadingRegistry,
  parseReference,
  type Reference,
} from './reference.ts';

export interface RetagRule {
  /** As written, for messages. */
  text: string;
  /** What stands between the stars: one piece more than there are stars. */
  pieces: string[];
  replacement: string;
}

/** One name's way: the rule that fired, if one did. */
export interface Renaming {
  from: Reference;
  to: Reference;
  rule?: string;
}

const RULE_LIMIT = 1000;

/** Parse `rancher/*=hub.company.com/rancher/*`. Throws RULE_INVALID. */
export function parseRetagRule(text: string): RetagRule {
  const invalid = (why: string): AirferryError =>
    new AirferryError('RULE_INVALID', `"${text.slice(0, 120)}" is not a retag rule: ${why}`, {
      suggestions: ['Write PATTERN=REPLACEMENT: `rancher/*=hub.company.com/rancher/*` is one.'],
    });
  if (text.length > RULE_LIMIT) throw invalid('it is too long');
  const [pattern, replacement, ...rest] = text.split('=');
  if (!pattern || !replacement || rest.length > 0)
    throw invalid('it needs one "=" with something on either side');
  const pieces = pattern.split('*');
  if (replacement.split('*').length > pieces.length)
    throw invalid('the replacement has more "*" than the pattern');
  return { text, pieces, replacement };
}

/**
 * The name under which an image goes on. Patterns are tried against the name as Docker's user writes it, with and
 * without the tag, then against the whole name. Without a matching rule the name stays; where all go to one `registry`,
 * the path stays and the registry changes: `nginx:1.25` → `hub.company.com/library/nginx:1.25`. Throws RULE_INVALID
 * when a rule makes no valid name, or one of another registry.
 */
export function retag(from: Reference, rules: readonly RetagRule[], registry?: string): Renaming {
  for (const rule of rules) {
    const replaced = apply(rule, from);
    if (replaced === undefined) continue;
    return { from, to: target(replaced, from, rule, registry), rule: rule.text };
  }
  return { from, to: registry === undefined ? from : { ...from, registry } };
}

/** Names that more than one image would get: each with the images that collide. */
export function collisions(renamings: (Renaming & { image: string })[]): { to: string; from: string[] }[] {
  const byTarget = new Map<string, Map<string, string>>();
  for (const { from, to, image } of renamings) {
    const key = formatReference(to.tag === undefined ? to : { ...to, digest: undefined });
    const images = byTarget.get(key) ?? new Map<string, string>();
    images.set(image, familiarName(from));
    byTarget.set(key, images);
  }
  return [...byTarget]
    .filter(([, images]) => images.size > 1)
    .map(([to, images]) => ({ to, from: [...images.values()] }));
}

function apply(rule: RetagRule, from: Reference): string | undefined {
  const { tag, digest, ...name } = from;
  const tail = `${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
  for (const show of [familiarName, formatReference]) {
    const bare = match(rule.pieces, show(name));
    if (bare) return fill(rule.replacement, bare) + tail;
    const whole = match(rule.pieces, show(from));
    if (whole) return fill(rule.replacement, whole);
  }
  return undefined;
}

/** What each star stands for, found from the end of the text in one go: no pattern makes this slow. */
function match(pieces: string[], text: string): string[] | undefined {
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return text === first ? [] : undefined;
  if (!text.startsWith(first) || !text.endsWith(last)) return undefined;
  const stars: string[] = [];
  let end = text.length - last.length;
  for (const piece of rest.toReversed()) {
    const at = end < piece.length ? -1 : text.lastIndexOf(piece, end - piece.length);
    if (at < first.length) return undefined;
    stars.unshift(text.slice(at + piece.length, end));
    end = at;
  }
  return end < first.length ? undefined : [text.slice(first.length, end), ...stars];
}

function fill(replacement: string, stars: string[]): string {
  let star = 0;
  return replacement.replaceAll('*', () => stars[star++] ?? '');
}

function target(replaced: string, from: Reference, rule: RetagRule, registry?: string): Reference {
  let to: Reference;
  try {
    to = parseReference(replaced);
  } catch (cause) {
    throw new AirferryError(
      'RULE_INVALID',
      `the rule ${rule.text} turns ${familiarName(from)} into "${replaced}", which is no image name`,
      {
        cause,
        suggestions: ['Write a tag on both sides of the rule, or on neither; repositories are lower case.'],
      },
    );
  }
  if (registry === undefined || to.registry === registry) return to;
  if (leadingRegistry(replaced) === undefined)
    return { ...to, registry, repository: replaced.replace(/[:@].*$/s, '') };
  throw new AirferryError(
    'RULE_INVALID',
    `the rule ${rule.text} sends ${familiarName(from)} to ${to.registry}, but the push goes to ${registry}`,
    {
      suggestions: [`Let the replacement begin with ${registry}/, or leave the registry out of it.`],
    },
  );
}
