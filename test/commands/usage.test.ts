import { type Command, type Config, Help, Parser } from '@oclif/core';
import * as assert from 'uvu/assert';
import { asAirferryError } from '../../src/cli/failure.ts';
import { loadConfig } from '../../src/main.ts';
import { suite } from '../support/suite.ts';
import { airferry } from './airferry.ts';

const test = suite('usage', { timeout: 60_000 });

const COMMANDS = [
  'bundle:create',
  'bundle:inspect',
  'bundle:verify',
  'host:check',
  'host:exec',
  'host:install',
  'host:status',
  'host:uninstall',
  'image:list',
  'image:load',
  'image:push',
  'run:list',
  'run:show',
];

class CommandTexts extends Help {
  text(command: Command.Loadable): string {
    return this.formatCommand(command);
  }
}

let loaded: Promise<Config> | undefined;

function fromSources(): Promise<Config> {
  loaded ??= loadConfig();
  return loaded;
}

/** As one line, however it was wrapped. */
function unwrapped(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

test('--version is one line', async () => {
  const { status, stdout, stderr } = await airferry(['--version']);
  assert.is(status, 0);
  assert.match(stdout, /^airferry \d+\.\d+\.\d+\n$/);
  assert.is(stderr, '');
});

test('without arguments there is help, with every topic in a line', async () => {
  const { status, stdout } = await airferry([]);
  assert.is(status, 0);
  for (const topic of ['bundle', 'host', 'image'])
    assert.match(stdout, new RegExp(`^  ${topic} +[A-Z].*\\.$`, 'm'));
});

test('--help of a command comes without a warning', async () => {
  const { status, stdout, stderr } = await airferry(['host', 'install', '-h']);
  assert.equal([status, stderr], [0, '']);
  assert.match(stdout, /^Make hosts what a bundle says/);
});

test('every command has a summary, examples that name it, and help of 80 columns', async () => {
  const config = await fromSources();
  const help = new CommandTexts(config, { stripAnsi: true });
  for (const id of COMMANDS) {
    const command = config.findCommand(id, { must: true });
    const summary = command.summary ?? '';
    assert.match(summary, /^[A-Z].*\.$/, id);
    const text = `${summary}\n${help.text({ ...command })}`;
    const name = `$ airferry ${id.replace(':', ' ')} `;
    assert.match(text.slice(0, text.indexOf('EXAMPLES')), name, id);
    assert.match(text.slice(text.indexOf('EXAMPLES')), name, id);
    const wide = text.split('\n').filter(line => line.length > 80);
    assert.equal(wide, [], id);
  }
});

test('the examples of every command are accepted by its own parser', async () => {
  const config = await fromSources();
  for (const id of COMMANDS) {
    const { args, flags, baseFlags, examples } = await config.findCommand(id, { must: true }).load();
    const lines = ((examples ?? []) as { command: string }[]).map(example =>
      example.command.replace(`<%= config.bin %> ${id.replace(':', ' ')}`, '').replace(/ [|>] .*$/, ''),
    );
    assert.ok(lines.length > 0, id);
    for (const line of lines) {
      assert.not.match(line, 'config.bin', `an example of ${id} is for another command`);
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
      await Parser.parse(own, { args, flags: { ...baseFlags, ...flags }, strict: true, '--': true });
    }
  }
});

test('mistakes in flags and arguments say what was meant', async () => {
  const cases: [string, string, string][] = [
    ['image:list', 'x --jsn', 'Did you mean --json?'],
    ['image:list', '', 'SOURCE is missing'],
    ['image:list', 'a b', '"b" is more than the command takes'],
    ['bundle:create', 'site.yaml', '"site.yaml" is more than the command takes Did you mean -f site.yaml?'],
    ['host:install', 'site.tar', 'Did you mean -b site.tar?'],
    ['host:install', 'h1 -b site.tar', '"h1" is more than the command takes See'],
    ['bundle:create', '', '--output is missing'],
    ['bundle:create', '-o', '--output needs a value'],
    ['bundle:create', '-o x --compression zsd', 'did you mean zstd?'],
    [
      'image:push',
      'x y --concurrency 0',
      '--concurrency must be an integer greater than or equal to 1, not 0',
    ],
    ['image:push', 'x y --plain-http --ca ca.crt', 'cannot be used together'],
    ['image:list', 'x -q -v', '--quiet and --verbose cannot be used together'],
  ];
  const config = await fromSources();
  for (const [id, line, expected] of cases) {
    const { args, flags, baseFlags } = await config.findCommand(id, { must: true }).load();
    const options = { args, flags: { ...baseFlags, ...flags }, strict: true, '--': true };
    const thrown = await Parser.parse(line.split(' ').filter(Boolean), options).catch(error => error);
    const { code, exit, message, suggestions } = asAirferryError(thrown, id.replace(':', ' '));
    assert.equal([code, exit], ['USAGE', 2], `${id} ${line}: ${message}`);
    assert.match([message, ...suggestions].join(' '), expected);
    assert.is(suggestions.at(-1), `See \`airferry ${id.replace(':', ' ')} --help\`.`);
  }
});

test('mistakes in usage exit with 2, without a stack', async () => {
  for (const line of [
    'bundle creat',
    'image list',
    'help nothing',
    'host status',
    'bundle create site.yaml',
  ]) {
    const { status, stdout, stderr } = await airferry(line.split(' '));
    assert.equal([status, stdout], [2, ''], line);
    assert.match(stderr, /^error: .*\n( {2}→ .*\n)+$/, line);
    assert.not.match(stderr, 'not found', line);
  }
});

test('under --json an error is the one document on stdout', async () => {
  const { status, stdout, stderr } = await airferry(['image', 'list', '/nowhere.tar', '--json']);
  assert.is(status, 3);
  assert.is(stderr, '');
  assert.equal(JSON.parse(stdout), {
    error: {
      code: 'FILE_NOT_FOUND',
      message: 'there is no file /nowhere.tar',
      where: { file: '/nowhere.tar' },
      suggestions: [],
      exit: 3,
    },
  });
});

test('a question that nobody can answer is an error', async () => {
  const { status, stderr } = await airferry(['host', 'status', '-H', 'ops@127.0.0.1:1', '--ask-password']);
  assert.is(status, 2);
  assert.match(unwrapped(stderr), 'there is no terminal to ask on');
  assert.match(stderr, 'AIRFERRY_SSH_PASSWORD');
});

test('uninstalling has to be confirmed', async () => {
  const { status, stderr } = await airferry(['host', 'uninstall', '-H', 'ops@127.0.0.1:1']);
  assert.is(status, 2);
  assert.match(stderr, '--dry-run');
});

test('a host that does not answer is told with the command to try it again', async () => {
  const argv = ['host', 'status', '-H', 'ops@127.0.0.1:1', '-H', 'ops@127.0.0.1:2', '--parallel', '2'];
  const { status, stdout, stderr } = await airferry(argv);
  assert.is(status, 6, stderr);
  assert.match(stdout, /^HOST .*STATE$/m);
  assert.match(stderr, /^error: all 2 hosts failed$/m);
  assert.match(
    unwrapped(stderr),
    'airferry host status --parallel 2 --host ops@127.0.0.1:1 --host ops@127.0.0.1:2',
  );
  const json = await airferry([...argv, '--json']);
  const { hosts, error } = JSON.parse(json.stdout);
  assert.is(json.status, 6);
  assert.equal([error.code, error.exit], ['ALL_HOSTS_FAILED', 6]);
  assert.is(hosts[0].error.code, 'HOST_UNREACHABLE');
});

test.run();
