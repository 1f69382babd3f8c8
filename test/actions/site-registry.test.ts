import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type RegistryChoice, siteRegistry } from '../../src/actions/site-registry.ts';
import { parseFleet } from '../../src/config/fleet.ts';
import { isAirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/site-registry');
const dir = mkdtempSync(join(tmpdir(), 'airferry-registry-'));

test.after(() => rmSync(dir, { recursive: true }));

const fleet = (registry: string) =>
  parseFleet(`hosts: [{ name: h1, address: 10.77.0.11 }]\n${registry}`, { file: join(dir, 'fleet.yaml') });

async function refusal(
  choice: RegistryChoice,
  code: 'USAGE' | 'REFERENCE_INVALID' | 'FLEET_INVALID' | 'FILE_NOT_FOUND',
) {
  const error = await siteRegistry(undefined, choice).then(
    () => undefined,
    thrown => thrown,
  );
  assert.ok(isAirferryError(error, code), String(error));
  return error;
}

test('without a word about it there is none', async () => {
  assert.is(await siteRegistry(undefined, { insecure: false }), undefined);
  assert.is(await siteRegistry(fleet(''), {}), undefined);
});

test('the fleet file is enough, and so are flags', async () => {
  const written = fleet('registry: { address: hub.company.com, ip: 172.11.1.107 }');
  const expected = { address: 'hub.company.com', ip: '172.11.1.107', insecure: false };
  assert.equal(await siteRegistry(written, {}), expected);
  assert.equal(await siteRegistry(undefined, { address: 'hub.company.com', ip: '172.11.1.107' }), expected);
});

test('a flag stands in for one line of the file', async () => {
  const written = fleet('registry: { address: hub.company.com, ip: 172.11.1.107, insecure: true }');
  assert.equal(await siteRegistry(written, { ip: '172.11.1.108' }), {
    address: 'hub.company.com',
    ip: '172.11.1.108',
    insecure: true,
  });
});

test('another registry than that of the file shares nothing with it', async () => {
  const written = fleet('registry: { address: hub.company.com, ip: 172.11.1.107, insecure: true }');
  assert.equal(await siteRegistry(written, { address: 'other.company.com:5000' }), {
    address: 'other.company.com:5000',
    insecure: false,
  });
});

test('flags that make no sense are refused with what to write', async () => {
  assert.match((await refusal({ ip: '172.11.1.107' }, 'USAGE')).suggestions.join(' '), '--registry');
  assert.match(
    (await refusal({ address: 'hub', ip: '172.11.1' }, 'USAGE')).message,
    '"172.11.1" is not an IP address',
  );
  assert.match(
    (await refusal({ address: 'https://hub' }, 'REFERENCE_INVALID')).suggestions.join(' '),
    'without a scheme',
  );
  const both = { address: 'hub', insecure: true, caFile: '/nowhere' };
  assert.match((await refusal(both, 'USAGE')).message, 'cannot be insecure and have a CA');
});

test('a CA that is missing or none is named', async () => {
  const missing = await refusal({ address: 'hub', caFile: join(dir, 'none.crt') }, 'FILE_NOT_FOUND');
  assert.match(missing.message, 'none.crt');
  writeFileSync(join(dir, 'page.crt'), '<html>');
  const page = await refusal({ address: 'hub', caFile: join(dir, 'page.crt') }, 'FLEET_INVALID');
  assert.match(page.suggestions.join(' '), 'openssl x509');
});

test.run();
