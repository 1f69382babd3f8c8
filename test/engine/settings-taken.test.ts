import * as assert from 'uvu/assert';
import { withoutSecrets } from '../../src/engine/daemon-secrets.ts';
import { settingsNotTaken } from '../../src/engine/settings-taken.ts';
import { suite } from '../support/suite.ts';

const test = suite('settings of a running engine');

/** As 26.1.5 says it. */
const INFO = {
  Debug: false,
  LiveRestoreEnabled: true,
  Labels: ['rack=12'],
  DefaultRuntime: 'runc',
  Runtimes: { runc: { path: 'runc' }, 'io.containerd.runc.v2': { path: 'runc' } },
  RegistryConfig: {
    InsecureRegistryCIDRs: ['127.0.0.0/8', '10.0.0.0/8'],
    IndexConfigs: { 'hub.company.com': { Secure: false }, 'docker.io': { Secure: true } },
    Mirrors: ['https://mirror.company.com/'],
  },
};

test('what docker info shows as it is written has been taken over', () => {
  const config = {
    debug: false,
    'live-restore': true,
    labels: ['rack=12'],
    'default-runtime': 'runc',
    runtimes: { runc: { path: 'runc' } },
    'insecure-registries': ['hub.company.com', '10.0.0.0/8'],
    'registry-mirrors': ['https://mirror.company.com'],
    'max-concurrent-downloads': 2,
  };
  assert.equal(settingsNotTaken(config, INFO), []);
});

test('each setting that it shows otherwise is named', () => {
  const config = {
    debug: true,
    'live-restore': false,
    labels: ['rack=13'],
    'default-runtime': 'kata',
    runtimes: { kata: {} },
    'insecure-registries': ['docker.io'],
    'registry-mirrors': ['https://other.company.com'],
  };
  assert.equal(settingsNotTaken(config, INFO).sort(), Object.keys(config).sort());
  assert.equal(settingsNotTaken(config, {}).sort(), Object.keys(config).sort());
});

test('passwords and tokens are not shown, and nothing else is changed', () => {
  const text = `{
  "proxies": { "http-proxy": "http://bob:s3cret@proxy.site:3128" },
  "log-opts": { "splunk-token": "176FCEBF", "splunk-url": "https://splunk.site:8088", "tag": "a@b" }
}`;
  const shown = withoutSecrets(text);
  assert.not.match(shown, /s3cret|bob|176FCEBF/);
  assert.is(shown.replaceAll('***@', 'bob:s3cret@').replace('"***"', '"176FCEBF"'), text);
});

test.run();
