import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Prompt } from 'ssh2';
import * as assert from 'uvu/assert';
import { type Ask, answering } from '../../src/host/ask.ts';
import { connect } from '../../src/host/connection.ts';
import { encryptedKeys, opens } from '../../src/host/encrypted-keys.ts';
import { Secret } from '../../src/host/secret.ts';
import { hostTarget } from '../../src/host/target.ts';
import { scratch } from '../support/scratch.ts';
import { newKey } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';
import { door, enter, key } from './door.ts';
import { failure } from './site.ts';

const test = suite('host/ask');
const dir = scratch();
const password = new Secret('ferry');

function round(prompt: ReturnType<typeof answering>, ...prompts: Prompt[]): Promise<string[]> {
  return new Promise(resolve =>
    prompt('', 'Plant 7\u001b[2J', '', prompts, answers => resolve(answers as string[])),
  );
}

test('the password is given once, and to a question for one; all else is for the operator', async () => {
  const asked: string[] = [];
  const ask: Ask = async ({ host, text, secret }) => {
    asked.push(`${host} ${text} ${secret}`);
    return `answer ${asked.length}`;
  };
  const prompt = answering({ host: 'h1', password, ask });
  const answers = await round(
    prompt,
    { prompt: 'Password: ', echo: false },
    { prompt: 'Code: ', echo: false },
  );
  assert.equal(answers, ['ferry', 'answer 1']);
  assert.equal(
    await round(prompt, { prompt: 'Password: ', echo: false }),
    ['answer 2'],
    'a second time it was wrong',
  );
  assert.equal(await round(prompt, { prompt: 'Which? ', echo: true }), ['answer 3']);
  assert.equal(asked, [
    'h1 Plant 7 [2J Code: true',
    'h1 Plant 7 [2J Password: true',
    'h1 Plant 7 [2J Which? false',
  ]);
  assert.equal(await round(prompt), [], 'a round without questions');
});

test('with nobody to ask there is the password, and no answer to the rest', async () => {
  const prompt = answering({ host: 'h1', password });
  assert.equal(await round(prompt, { prompt: 'Kennwort: ', echo: false }), ['ferry']);
  assert.equal(await round(answering({ host: 'h1' }), { prompt: 'Code', echo: false }), ['']);
  const broken = answering({ host: 'h1', ask: () => Promise.reject(new Error('closed')) });
  assert.equal(await round(broken, { prompt: 'Code', echo: true }), ['']);
});

test('a host that wants an answer gets it, however long the operator takes', async () => {
  const at = await door(
    { authorizedKeys: [], password: 'ferry', keyboardInteractive: true },
    { identities: [] },
  );
  await using _server = at.server;
  const ask: Ask = () => new Promise(resolve => setTimeout(() => resolve('ferry'), 900));
  await using connection = await connect(at.target, {
    knownHosts: { files: [at.knownHosts], acceptNew: false },
    connectTimeoutMs: 500,
    ask,
  });
  assert.is((await connection.exec('echo in')).stdout.toString(), 'in\n');
});

test('keys that want a passphrase are found, each once, and opened by their own', async () => {
  const plain = join(dir, 'plain');
  const locked = join(dir, 'locked');
  const pair = newKey('ed25519', 'open sesame');
  writeFileSync(plain, key.private, { mode: 0o600 });
  writeFileSync(locked, pair.private, { mode: 0o600 });
  const target = hostTarget({ address: 'h', identities: [plain, locked] }, {});
  const behind = hostTarget({ address: 'g', identities: [plain], bastions: [target] }, {});
  assert.equal(await encryptedKeys([target, behind, target]), [locked]);
  assert.equal(
    await encryptedKeys([{ ...target, passphrase: password }]),
    [],
    'one that is given is for all',
  );
  assert.equal([opens(locked, 'wrong'), opens(locked, 'open sesame')], [false, true]);
  const at = await door({ authorizedKeys: [pair.public] }, { identities: [locked] });
  await using _server = at.server;
  const passphrases = new Map([[locked, new Secret('open sesame')]]);
  await (await enter({ ...at, target: { ...at.target, passphrases } })).close();
});

test('a host that is met for the first time is told with its fingerprint, where its settings let it in', async () => {
  const at = await door();
  await using server = at.server;
  const notes: string[] = [];
  const fresh = join(dir, 'fresh/known_hosts');
  const target = { ...at.target, hostKey: 'accept-new' as const };
  const onNote = (text: string): void => void notes.push(text);
  const strict = { files: [fresh], acceptNew: false, strict: true };
  await failure(connect(target, { knownHosts: strict, onNote }), 'HOST_KEY_UNKNOWN');
  await (await connect(target, { knownHosts: { files: [fresh], acceptNew: false }, onNote })).close();
  assert.match(notes.join(), /^met for the first time: ssh-ed25519 SHA256:\S+, now in .*fresh\/known_hosts$/);
  assert.is(server.logins.length > 0, true);
  await (await connect(at.target, { knownHosts: strict })).close();
});

test('HostKeyAlias is the name in known_hosts, and files of the host are read where none are named', async () => {
  const at = await door();
  await using server = at.server;
  mkdirSync(join(dir, 'alias'));
  const file = join(dir, 'alias/known');
  copyFileSync(at.knownHosts, file);
  writeFileSync(file, `the-alias ${server.hostKeys[0]?.public}\n`);
  const own = { ...at.target, knownHosts: [file] };
  const policy = { knownHosts: { files: [], acceptNew: false } };
  await failure(connect(own, policy), 'HOST_KEY_UNKNOWN');
  await (await connect({ ...own, hostKeyAlias: 'the-alias' }, policy)).close();
});

test.run();
