import * as assert from 'uvu/assert';
import { parseErrorBody, type Refusal, refusalError, retryAfterMs } from '../../src/registry/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('registry errors');

function refuse(status: number, text = '', more: Partial<Refusal> = {}) {
  return refusalError({
    registry: 'hub.company.com',
    method: 'PUT',
    url: 'https://hub.company.com/v2/plant/app/manifests/1.0',
    status,
    contentType: text.startsWith('<') ? 'text/html' : 'application/json',
    retryAfter: undefined,
    text,
    repository: 'plant/app',
    ...more,
  });
}

const body = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] });

test('a denial gives the reason and the advice that goes with it', () => {
  const plain = refuse(403, body('DENIED', 'requested access to the resource is denied'));
  assert.is(plain.code, 'REGISTRY_DENIED');
  assert.is(
    plain.message,
    'hub.company.com denies writing to hub.company.com/plant/app: requested access to the resource is denied',
  );
  assert.match(plain.suggestions.join(), 'robot account');
  const quota = refuse(403, body('DENIED', 'adding 30 MiB of storage resource, which will exceed the quota'));
  assert.match(quota.suggestions.join(), 'quota of the project is used up');
  const readOnly = refuse(403, body('DENIED', 'The system is in read only mode.'));
  assert.match(readOnly.suggestions.join(), 'read-only mode');
  const proxy = refuse(403, body('DENIED', 'can not push artifact to a proxy project'));
  assert.match(proxy.suggestions.join(), 'proxy-cache project');
});

test('not found names the project that must exist', () => {
  const error = refuse(404, body('NAME_UNKNOWN', 'project plant not found'));
  assert.is(error.code, 'REGISTRY_NOT_FOUND');
  assert.match(error.message, 'project plant not found');
  assert.match(error.suggestions.join(), 'must exist before a push');
});

test('too large names the proxy setting, though the answer is a web page', () => {
  const error = refuse(413, '<html><h1>413 Request Entity Too Large</h1></html>');
  assert.is(error.code, 'REGISTRY_TOO_LARGE');
  assert.match(error.suggestions.join(), 'client_max_body_size');
  assert.not(error.mayPass);
});

test('an immutable tag is named as such', () => {
  assert.match(refuse(412, body('PRECONDITION', 'immutable')).suggestions.join(), 'immutable');
});

test('rate limits and server errors may pass, refusals may not', () => {
  assert.ok(refuse(429).mayPass);
  assert.ok(refuse(500).mayPass);
  assert.ok(refuse(503, '<html>upstream</html>').mayPass);
  for (const status of [400, 403, 404, 405, 413]) assert.not(refuse(status).mayPass, `${status}`);
});

test('a full storage is told as one, and does not pass by itself', () => {
  const distribution = (detail: unknown): string =>
    JSON.stringify({ errors: [{ code: 'UNKNOWN', message: 'unknown error', detail }] });
  const cause = (errno: unknown): object => ({
    DriverName: 'filesystem',
    Enclosed: { Op: 'write', Path: '/var/lib/registry/data', Err: errno },
  });
  const full = [
    refuse(507, body('UNKNOWN', 'no space left on device')),
    refuse(500, distribution('write /var/lib/registry/data: no space left on device')),
    refuse(500, distribution(cause(28))),
    refuse(500, distribution(cause(122))),
  ];
  for (const error of full) {
    assert.not(error.mayPass);
    assert.is(error.message, 'the storage of hub.company.com is full');
    assert.match(error.suggestions.join(), 'Make room there');
  }
  const others = [cause(5), cause({}), cause(null), { Enclosed: null }, null, 28, 'read-only file system'];
  for (const detail of others) {
    const error = refuse(500, distribution(detail));
    assert.ok(error.mayPass, JSON.stringify(detail));
    assert.match(error.message, 'failed with status 500');
  }
});

test('a pause that nobody would wait for is said instead of kept', () => {
  const short = refuse(429, '', { retryAfter: '7' });
  assert.is(short.afterMs, 7000);
  const long = refuse(429, '', { retryAfter: '86400' });
  assert.not(long.mayPass);
  assert.match(long.message, '24 h');
  assert.not(refuse(503, '', { retryAfter: '86400' }).mayPass);
});

test('Retry-After is read as seconds or as a date', () => {
  const now = Date.parse('2026-11-20T10:00:00Z');
  assert.is(retryAfterMs('120', now), 120_000);
  assert.is(retryAfterMs('Fri, 20 Nov 2026 10:00:30 GMT', now), 30_000);
  assert.is(retryAfterMs('Fri, 20 Nov 2026 09:00:00 GMT', now), 0);
  assert.is(retryAfterMs('soon', now), undefined);
  assert.is(retryAfterMs(undefined, now), undefined);
});

test('a web page is named as one, with 200, 400 and 404', () => {
  for (const status of [200, 400, 404]) {
    const error = refuse(status, '<!DOCTYPE html><html><body>Log in</body></html>', {
      contentType: 'text/plain',
    });
    assert.is(error.code, 'REGISTRY_PROTOCOL', `${status}`);
    assert.match(error.message, 'web page');
  }
});

test('plain HTTP spoken to an HTTPS port is told as that', () => {
  const error = refuse(400, 'Client sent an HTTP request to an HTTPS server.\n', {
    contentType: 'text/plain',
  });
  assert.is(error.code, 'REGISTRY_TLS');
  assert.match(error.suggestions.join(), 'Leave out --plain-http');
});

test('every shape of error body is read, and none of it reaches a terminal raw', () => {
  assert.equal(parseErrorBody('', ''), { codes: [], message: '', html: false, storageFull: false });
  assert.is(
    parseErrorBody('{"details":"incorrect username"}', 'application/json').message,
    'incorrect username',
  );
  assert.is(parseErrorBody('{"errors":"x","message":"said"}', '').message, 'said');
  assert.equal(parseErrorBody('{"errors":[null,1,{"code":7},{"code":"A","message":""}]}', '').codes, ['A']);
  assert.is(parseErrorBody('[1]', '').message, '');
  assert.is(
    parseErrorBody('{"errors":[{"message":"a\\u001b[31mred\\nline"}]}', '').message,
    'a [31mred line',
  );
  assert.ok(parseErrorBody('x'.repeat(60_000), 'text/plain').message.length <= 300);
});

test.run();
