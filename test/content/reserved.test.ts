import * as assert from 'uvu/assert';
import { isReserved } from '../../src/content/reserved.ts';
import { suite } from '../support/suite.ts';

const test = suite('content/reserved');

test('what airferry keeps is reserved, at its folders and under them', () => {
  for (const path of [
    '/etc/hosts',
    '/etc/sysctl.d/80-airferry.conf',
    '/etc/modules-load.d/80-airferry.conf',
    '/opt/airferry',
    '/opt/airferry/current',
    '/var/lib/airferry/state.json',
    '/var/log/airferry/audit.jsonl',
    '/etc/systemd/system/docker.socket',
  ])
    assert.ok(isReserved(path), path);
});

test("names that only look alike are the operator's, and so are drop-ins of other names", () => {
  for (const path of [
    '/opt/airferry-tools/x',
    '/etc/hosts.allow',
    '/etc/docker/certs.d/hub/client.key',
    '/etc/systemd/system/docker.service.d/proxy.conf',
    '/etc/systemd/system/docker.service.d/10-proxy.conf',
  ])
    assert.not.ok(isReserved(path), path);
});

test.run();
