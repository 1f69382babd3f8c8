/** Laws that hold for every name and every rule, tried with random ones; the seeds are fixed. */
import * as assert from 'uvu/assert';
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
} from '../../src/content/reference.ts';
import { parseRetagRule, retag } from '../../src/content/retag.ts';
import { AirferryError } from '../../src/errors.ts';
import { rubbish } from '../engine/expect.ts';
import { processorTime } from '../support/processor-time.ts';
import { suite } from '../support/suite.ts';

const test = suite('random names');
const HUB = 'hub.company.com';
const SHA = `@sha256:${'0f'.repeat(32)}`;

/** Pieces strung together: what is built of them is often a name, and often only nearly one. */
const PIECES = [
  ...['a', 'b7', 'library', 'localhost', 'docker.io', 'index.docker.io', 'hub:5000', '[::1]', 'foo.bar'],
  ...['/', '/', '/', ':', ':', '.', '-', '_', '__', '@', SHA, 'A', 'latest', '1.25', '*', ' ', 'é'],
];

function strung(seed: number, most: number, pieces = PIECES): string {
  const [length = 0, ...dice] = rubbish(seed, most + 1);
  return dice
    .slice(0, 1 + (length % most))
    .map(die => pieces[die % pieces.length])
    .join('');
}

/** The reference, or undefined where the text was refused; any other failure comes out. */
function parsed(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof AirferryError && error.code === 'REFERENCE_INVALID') return undefined;
    throw error;
  }
}

test('whatever is a name means the same when it is written whole, familiarly, or again', () => {
  let names = 0;
  for (let seed = 0; seed < 8_000; seed++) {
    const text = strung(seed, 8);
    const reference = parsed(text);
    if (reference === undefined) continue;
    names++;
    assert.equal(parsed(formatReference(reference)), reference, text);
    assert.equal(parsed(familiarName(reference)), reference, text);
    assert.ok(familiarName(reference).length <= formatReference(reference).length, text);
    assert.ok(reference.tag !== undefined || reference.digest !== undefined, text);
  }
  assert.ok(names > 500, `${names} names`);
});

/** What a rule without a tag makes of a name, by the textbook: each star is `(.*)`. */
function byRegExp(pattern: string, replacement: string, name: string): string | undefined {
  const source = pattern
    .split('*')
    .map(piece => piece.replace(/[^a-z0-9/]/g, '\\$&'))
    .join('(.*)');
  const found = new RegExp(`^${source}$`, 's').exec(name);
  let star = 1;
  return found ? replacement.replaceAll('*', () => found[star++] ?? '') : undefined;
}

test('stars match what a greedy regular expression would, and nothing else', () => {
  let matches = 0;
  for (let seed = 0; seed < 8_000; seed++) {
    const pattern = strung(seed, 6, ['*', '*', 'a', 'b', 'ab', '/', '.', '-']);
    const stars = pattern.split('*').length - 1;
    const name = `docker.io/${strung(seed + 1e6, 6, ['a', 'b', 'ab', 'a/b', 'a.b', 'ba-a']).replaceAll('//', '/')}/x`;
    // The x keeps a star that matched nothing from making an empty part of a name.
    const replacement = `q/${Array(stars).fill('x*').join('x/')}x`;
    const from = parseReference(name);
    const familiar = familiarName(from).replace(/:latest$/, '');
    // A pattern may match a shown name with its tag, too; those are other tests' affair.
    const shown = [familiar, familiarName(from), name, formatReference(from)];
    const expected = shown.map(text => byRegExp(pattern, replacement, text)).find(text => text !== undefined);
    let actual: string | undefined;
    try {
      const renaming = retag(from, [parseRetagRule(`${pattern}=${replacement}`)], HUB);
      if (renaming.rule === undefined) {
        assert.is(expected, undefined, `${pattern} on ${name}`);
        continue;
      }
      actual = formatReference(renaming.to);
    } catch (error) {
      assert.is((error as AirferryError).code, 'RULE_INVALID');
      assert.match((error as AirferryError).message, `into "${expected}`);
      matches++;
      continue;
    }
    matches++;
    const tagged = expected?.includes(':') ? expected : `${expected}:latest`;
    assert.is(actual, `${HUB}/${tagged}`, `${pattern} on ${name}`);
  }
  assert.ok(matches > 200, `${matches} matches`);
});

test('the name that a rule makes is a name, on the registry that is pushed to', () => {
  let made = 0;
  for (let seed = 0; seed < 8_000; seed++) {
    const from = parsed(strung(seed, 6));
    if (from === undefined) continue;
    try {
      const rule = parseRetagRule(`${strung(seed + 1, 3)}*=${strung(seed + 2, 4)}`);
      const { to } = retag(from, [rule], HUB);
      assert.is(to.registry, HUB);
      assert.equal(parsed(formatReference(to)), to);
      made++;
    } catch (error) {
      if (!(error instanceof AirferryError && error.code === 'RULE_INVALID')) throw error;
    }
  }
  assert.ok(made > 200, `${made} made`);
});

test('three stars against a name of three hundred characters take no time', () => {
  const name = `docker.io/${'a'.repeat(200)}:${'a'.repeat(90)}`;
  const rules = ['*a*a*b=x/*', '*a*a*a*=x*', 'a*a*a*c=*', '*/*/*=x'].map(parseRetagRule);
  const elapsed = processorTime();
  for (let i = 0; i < 100; i++) retag(parseReference(name), rules.slice(i % 2, 1 + (i % 2)), HUB);
  assert.ok(elapsed() < 100, `${elapsed()} ms`);
});

test.run();
