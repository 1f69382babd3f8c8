import * as assert from 'uvu/assert';
import { errorDocument, renderError, renderWarning } from '../../src/cli/error-view.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';
import { plainLook, widest } from './look.ts';

const test = suite('error view');

test('an error says what happened, where, and what to do next', () => {
  const error = new AirferryError('RECIPE_INVALID', 'there is no key "engin"', {
    where: { file: 'bundle.yaml', line: 4, column: 1 },
    suggestions: ['did you mean engine?'],
  });
  assert.is(
    renderError(error, plainLook()),
    'error: there is no key "engin"\n  at bundle.yaml:4:1\n  → Did you mean engine?',
  );
});

test('host and phase, blob and offset are places too', () => {
  const at = (where: object): string =>
    renderError(new AirferryError('INTERNAL', 'no', { where }), plainLook());
  assert.is(at({ host: 'h1', phase: 'stage-engine' }), 'error: no\n  at host h1, phase stage-engine');
  assert.is(at({ blob: 'sha256:ab', offset: 512 }), 'error: no\n  at blob sha256:ab\n  at offset 512');
});

test('a file that the message names is not named again', () => {
  const error = new AirferryError('FILE_NOT_FOUND', 'there is no file x.yaml', { where: { file: 'x.yaml' } });
  assert.is(renderError(error, plainLook()), 'error: there is no file x.yaml');
});

test('long texts are wrapped at 80 columns, however wide the screen is', () => {
  const text = 'a sentence that has a good many words '.repeat(8).trim();
  const error = new AirferryError('INTERNAL', text, { suggestions: [text] });
  const lines = renderError(error, plainLook(200)).split('\n');
  assert.ok(widest(lines) <= 80, lines.join('\n'));
  assert.ok(lines.filter(line => line.startsWith('       ')).length >= 4);
});

test('a command to run stays whole, on a line of its own', () => {
  const command = `airferry host install -b site.tar ${'--host ops@10.77.0.11 '.repeat(5).trim()}`;
  const error = new AirferryError('SOME_HOSTS_FAILED', 'no', {
    suggestions: [`when that is mended: ${command}`],
  });
  assert.is(renderError(error, plainLook()), `error: no\n  → When that is mended:\n    ${command}`);
});

test('lists within a message keep their lines', () => {
  const error = new AirferryError('RULE_COLLISION', 'the same name:\n  x from a and b\n  y from c and d');
  assert.is(
    renderError(error, plainLook()),
    'error: the same name:\n         x from a and b\n         y from c and d',
  );
});

test('what a host said cannot steer the terminal', () => {
  const error = new AirferryError('INTERNAL', 'it said \u001b]0;owned\u0007', {
    where: { host: 'h\u001b[2J' },
  });
  assert.not.match(renderError(error, plainLook()), /(?!\n)\p{Cc}/u);
});

test('causes and stacks are for --verbose alone', () => {
  const error = new AirferryError('INTERNAL', 'no', { cause: new TypeError('x is not a function') });
  assert.is(renderError(error, plainLook()), 'error: no');
  const verbose = renderError(error, plainLook(80, true));
  assert.match(verbose, 'cause x is not a function');
  assert.match(verbose, /at .*error-view\.test\.ts/);
});

test('the JSON of an error has all that a script needs', () => {
  const error = new AirferryError('FILE_NOT_FOUND', 'no file', {
    where: { file: 'x' },
    suggestions: ['look again'],
  });
  assert.equal(errorDocument(error), {
    code: 'FILE_NOT_FOUND',
    message: 'no file',
    where: { file: 'x' },
    suggestions: ['Look again'],
    exit: 3,
  });
});

test('a warning looks like an error without its weight', () => {
  assert.is(renderWarning('bip is set twice', plainLook()), 'warning: bip is set twice');
});

test.run();
