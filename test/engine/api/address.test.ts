import * as assert from 'uvu/assert';
import { formatEngineAddress, parseEngineAddress } from '../../../src/engine/api/address.ts';
import { AirferryError } from '../../../src/errors.ts';
import { suite } from '../../support/suite.ts';

const test = suite('engine/api/address');
const TLS = { folder: '/certs', verify: true };

test('addresses of sockets, hosts and ports are read and written as Docker does', () => {
  const cases: [text: string, address: object][] = [
    ['unix:///var/run/docker.sock', { kind: 'unix', path: '/var/run/docker.sock' }],
    ['ssh://ops@h1', { kind: 'ssh', host: 'h1', user: 'ops' }],
    ['ssh://h1:2222', { kind: 'ssh', host: 'h1', port: 2222 }],
    ['ssh://ops@[fd00::1]:22', { kind: 'ssh', host: 'fd00::1', port: 22, user: 'ops' }],
    [
      'ssh://ops@h1/run/user/1000/docker.sock',
      { kind: 'ssh', host: 'h1', user: 'ops', socket: '/run/user/1000/docker.sock' },
    ],
    ['tcp://h1:80', { kind: 'tcp', host: 'h1', port: 80 }],
    ['tcp://10.77.0.11:2375', { kind: 'tcp', host: '10.77.0.11', port: 2375 }],
  ];
  for (const [text, address] of cases) {
    assert.equal(parseEngineAddress(text), address, text);
    assert.is(formatEngineAddress(parseEngineAddress(text)), text);
  }
});

test('the port that is left out is the one for TLS where TLS is wanted', () => {
  assert.equal(parseEngineAddress('tcp://h1'), { kind: 'tcp', host: 'h1', port: 2375 });
  assert.equal(parseEngineAddress('tcp://h1', TLS), { kind: 'tcp', host: 'h1', port: 2376, tls: TLS });
  assert.equal(parseEngineAddress('https://h1:1', TLS), { kind: 'tcp', host: 'h1', port: 1, tls: TLS });
});

const REFUSED: [text: string, why: RegExp][] = [
  ['', /begins with none of/],
  ['h1:2375', /begins with none of/],
  ['unix://docker.sock', /not absolute/],
  ['npipe:////./pipe/docker_engine', /Windows/],
  ['fd://', /how dockerd is told to listen/],
  ['https://h1', /no certificates/],
  ['tcp://', /no URL|no host/],
  ['tcp://h1/path', /a host and a port/],
  ['tcp://ops@h1', /a host and a port/],
  ['ssh://h1:99999', /no URL/],
  ['ssh://-oProxyCommand=x', /no host|no URL/],
  ['ssh://-l@h1', /user name/],
  ['ssh://ops%zz@h1', /user name/],
  ['ssh://ops@h1?x=1', /nothing may follow/],
];

for (const [text, why] of REFUSED) {
  test(`"${text}" is refused`, () => {
    try {
      parseEngineAddress(text);
    } catch (error) {
      assert.instance(error, AirferryError);
      assert.is((error as AirferryError).code, 'USAGE');
      assert.match((error as AirferryError).message, why);
      return;
    }
    assert.unreachable();
  });
}

test('a password is refused, and not repeated', () => {
  try {
    parseEngineAddress('ssh://ops:geheim@h1');
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /a password has no place in it/);
    assert.not.match((error as Error).message, /geheim/);
  }
});

test.run();
