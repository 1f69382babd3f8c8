import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import * as assert from 'uvu/assert';
import type { AirferryError } from '../../src/errors.ts';
import { connect } from '../../src/host/connection.ts';
import { Secret } from '../../src/host/secret.ts';
import { newKey } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';
import { door, enter, folder, key, keyFile } from './door.ts';
import { failure } from './site.ts';

const test = suite('host/login');

test('a host that is not known is refused with its fingerprint, and recorded with acceptNew', async () => {
  const at = await door();
  await using server = at.server;
  const fresh = { target: at.target, knownHosts: join(folder, 'fresh', 'known_hosts') };
  const error = await failure(enter(fresh), 'HOST_KEY_UNKNOWN');
  assert.match(error.message, /ssh-ed25519 SHA256:/);
  assert.match(error.suggestions.join(), '--host-key accept-new');
  assert.is(server.logins.length, 0, 'nothing was offered to a host that is not trusted');
  await (await enter(fresh, { acceptNew: true })).close();
  assert.is(readFileSync(fresh.knownHosts, 'utf8').trim(), server.knownHostsLine.trim());
  await (await enter(fresh)).close();
});

test('a changed host key is refused even with acceptNew, with file, line and both fingerprints', async () => {
  const at = await door();
  await using server = at.server;
  writeFileSync(at.knownHosts, `# old\n[127.0.0.1]:${server.port} ${newKey().public}\n`);
  const error = await failure(enter(at, { acceptNew: true }), 'HOST_KEY_CHANGED');
  assert.is(error.where.file, at.knownHosts);
  assert.is(error.where.line, 2);
  assert.is(error.message.match(/SHA256:/g)?.length, 2);
  assert.match(error.suggestions.join(), `ssh-keygen -R '[127.0.0.1]:${server.port}'`);
  assert.is(server.logins.length, 0);
});

test('a revoked host key is refused', async () => {
  const at = await door();
  await using server = at.server;
  writeFileSync(at.knownHosts, `${server.knownHostsLine}@revoked * ${server.hostKeys[0]?.public}\n`);
  assert.match((await failure(enter(at, { acceptNew: true }), 'HOST_KEY_CHANGED')).message, 'revoked');
});

test('a host known by one of its keys is asked for that one', async () => {
  for (const known of [0, 1, 2]) {
    const at = await door({ hostKeys: ['rsa', 'ecdsa', 'ed25519'] });
    await using server = at.server;
    writeFileSync(at.knownHosts, `[127.0.0.1]:${server.port} ${server.hostKeys[known]?.public}\n`);
    await (await enter(at)).close();
  }
});

test('a refused key says what was tried and what the host would take', async () => {
  const at = await door({ faults: { refuseLogin: true }, password: 'x' });
  await using server = at.server;
  const error = await failure(enter(at), 'HOST_AUTH_FAILED');
  assert.match(error.message, `key ${keyFile}`);
  assert.match(error.message, 'it accepts publickey, password');
  assert.equal(server.logins, ['none', 'publickey']);
});

test('passwords log in, directly and by keyboard-interactive; a wrong one is refused once', async () => {
  for (const keyboardInteractive of [false, true]) {
    const at = await door(
      { authorizedKeys: [], password: 's3cret', keyboardInteractive },
      { password: new Secret('s3cret') },
    );
    await using server = at.server;
    await (await enter(at)).close();
    const wrong = { ...at, target: { ...at.target, password: new Secret('wr0ng') } };
    server.logins.length = 0;
    const error = await failure(enter(wrong), 'HOST_AUTH_FAILED');
    assert.not.match(error.message + error.suggestions.join(), 'wr0ng');
    assert.is(server.logins.length, 2);
  }
});

test('an encrypted key needs its passphrase, and says so', async () => {
  const encrypted = newKey('ed25519', 'open sesame');
  const file = join(folder, 'encrypted');
  writeFileSync(file, encrypted.private);
  const at = await door({ authorizedKeys: [encrypted.public] }, { identities: [file] });
  await using _server = at.server;
  const error = await failure(enter(at), 'HOST_AUTH_FAILED');
  assert.match(error.message, 'is encrypted and no passphrase was given');
  const wrong = { ...at, target: { ...at.target, passphrase: new Secret('no') } };
  assert.match((await failure(enter(wrong), 'HOST_AUTH_FAILED')).message, 'the passphrase does not open it');
  await (await enter({ ...at, target: { ...at.target, passphrase: new Secret('open sesame') } })).close();
});

test('a key file that is missing, or no key, is named', async () => {
  const at = await door({}, { identities: [join(folder, 'nowhere')] });
  await using _server = at.server;
  assert.match((await failure(enter(at), 'FILE_NOT_FOUND')).where.file ?? '', 'nowhere');
  const file = join(folder, 'text');
  writeFileSync(file, 'not a key');
  const text = await failure(
    enter({ ...at, target: { ...at.target, identities: [file] } }),
    'HOST_AUTH_FAILED',
  );
  assert.match(text.message, 'is not a private key');
  writeFileSync(file, key.public);
  const open = await failure(
    enter({ ...at, target: { ...at.target, identities: [file] } }),
    'HOST_AUTH_FAILED',
  );
  assert.match(open.message, 'is a public key');
});

test('an agent that does not answer is noted, and the password still logs in', async () => {
  const at = await door({ password: 's3cret' }, { identities: [keyFile], agent: join(folder, 'no-agent') });
  await using server = at.server;
  await (await enter(at)).close();
  server.faults.refuseLogin = true;
  assert.match((await failure(enter(at), 'HOST_AUTH_FAILED')).message, /SSH agent \(.*agent.*\)/);
});

/** An SSH agent that holds one key. */
async function agent(keyText: string, socket: string): Promise<Server> {
  const held = ssh2.utils.parseKey(keyText);
  if (held instanceof Error) throw held;
  const server = createServer(stream => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on('identities', request => protocol.getIdentitiesReply(request, [held]));
    protocol.on('sign', (request, _key, data) => protocol.signReply(request, held.sign(data)));
    stream.pipe(protocol).pipe(stream);
    stream.on('error', () => undefined);
  });
  await new Promise<void>(resolve => server.listen(socket, () => resolve()));
  return server;
}

test('a key in the agent logs in, after the named keys were refused', async () => {
  const socket = join(folder, 'agent');
  const server = await agent(key.private, socket);
  const other = join(folder, 'other');
  writeFileSync(other, newKey().private);
  const at = await door({}, { identities: [other], agent: socket });
  await using _server = at.server;
  await (await enter(at)).close();
  await (await enter({ ...at, target: { ...at.target, identities: [] } })).close();
  server.close();
});

test('nothing listening, an unknown name, silence and another protocol each have their own words', async () => {
  const at = await door();
  await using server = at.server;
  const closed = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => closed.once('listening', resolve));
  const { port } = closed.address() as { port: number };
  await new Promise(resolve => closed.close(resolve));
  const refused = await failure(enter({ ...at, target: { ...at.target, port } }), 'HOST_UNREACHABLE');
  assert.match(refused.message, 'refuses connections');
  const unknown = await failure(
    enter({ ...at, target: { ...at.target, address: 'no-such-host.invalid' } }),
    'HOST_UNREACHABLE',
  );
  assert.match(unknown.message, /not known|no name server/);
  server.faults.silent = true;
  await failure(enter(at, { connectTimeoutMs: 300 }), 'HOST_TIMEOUT');
  server.faults.silent = false;
  server.faults.greeting = 'HTTP/1.1 400 Bad Request\r\n\r\n';
  assert.match(
    (await failure(enter(at), 'HOST_UNREACHABLE')).message,
    /not an SSH server|closed the connection/,
  );
  server.faults.greeting = '';
  assert.match((await failure(enter(at), 'HOST_UNREACHABLE')).message, 'closed the connection before');
});

test('an abort ends connecting', async () => {
  const at = await door({ faults: { silent: true } });
  await using _server = at.server;
  const connecting = connect(at.target, {
    knownHosts: { files: [at.knownHosts], acceptNew: false },
    signal: AbortSignal.timeout(50),
  });
  assert.is(await connecting.catch((error: AirferryError) => error.code), 'INTERRUPTED');
});

test.run();
