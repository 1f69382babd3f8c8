import * as assert from 'uvu/assert';
import { resolveCommand } from '../../src/cli/command-line.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('command line');
const CONFIG = {
  commandIDs: ['bundle:create', 'bundle:verify', 'image:list', 'image:push', 'help'],
  topics: [{ name: 'bundle' }, { name: 'image' }],
};

function refusal(...argv: string[]): AirferryError {
  try {
    resolveCommand(argv, CONFIG);
  } catch (error) {
    if (error instanceof AirferryError) return error;
  }
  throw new Error(`${argv.join(' ')} was not refused`);
}

test('a command is found, whatever follows it', () => {
  assert.is(resolveCommand(['bundle', 'verify', 'site.tar', '--json'], CONFIG), 'bundle verify');
  assert.is(resolveCommand(['help', 'image', 'push'], CONFIG), 'image push');
});

test('help and topics are no command', () => {
  for (const argv of [[], ['--help'], ['-h'], ['bundle'], ['bundle', '--help'], ['help']])
    assert.is(resolveCommand(argv, CONFIG), undefined, argv.join(' '));
});

test('a mistyped command gets a "did you mean"', () => {
  assert.is(refusal('bundle', 'creat').suggestions[0], 'Did you mean airferry bundle create?');
  assert.is(refusal('bundel', 'create').suggestions[0], 'Did you mean airferry bundle create?');
  assert.is(refusal('imag').suggestions[0], 'Did you mean airferry image?');
});

test('a command without its topic is found too', () => {
  assert.is(refusal('push', 'x').suggestions[0], 'Did you mean airferry image push?');
});

test('a word after a topic that is no command is an error, not help', () => {
  const { code, exit, message, suggestions } = refusal('image', 'frobnicate', 'x');
  assert.equal([code, exit, message], ['USAGE', 2, 'there is no command image frobnicate']);
  assert.equal(suggestions, ['See `airferry image --help`.']);
});

test('flags before the command are told to go behind it', () => {
  assert.is(
    refusal('--json', 'image', 'list', 'x').suggestions[0],
    'Flags follow the command: airferry image list x --json',
  );
});

test.run();
