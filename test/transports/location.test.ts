import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import { formatLocation, isPath, type Location, parseLocation } from '../../src/transports/location.ts';
import { suite } from '../support/suite.ts';

const test = suite('transports/location');
const ID = `sha256:${'a'.repeat(64)}`;

test('transports of skopeo that are not ours are told as such, and a prefix is no name with a tag', () => {
  for (const text of ['dir:x', 'containers-storage:busybox', 'ostree:a@/b', 'sif:x', 'tarball:x.tar'])
    assert.throws(
      () => parseLocation(text),
      (error: unknown) => isAirferryError(error, 'USAGE') && /does not read or write/.test(error.message),
    );
  assert.throws(
    () => parseLocation('docker://hub.company.com/team:1/'),
    (error: unknown) => isAirferryError(error, 'USAGE') && /tag/.test(error.message),
  );
});

const cases: [text: string, location: unknown][] = [
  [
    'docker://hub.company.com/team/nginx:1.25',
    {
      transport: 'docker',
      registry: 'hub.company.com',
      image: { registry: 'hub.company.com', repository: 'team/nginx', tag: '1.25' },
    },
  ],
  [
    'docker://busybox:1.35',
    {
      transport: 'docker',
      registry: 'docker.io',
      image: { registry: 'docker.io', repository: 'library/busybox', tag: '1.35' },
    },
  ],
  ['docker://hub.company.com', { transport: 'docker', registry: 'hub.company.com' }],
  ['docker://10.0.0.5:5000', { transport: 'docker', registry: '10.0.0.5:5000' }],
  ['docker://[::1]:5000', { transport: 'docker', registry: '[::1]:5000' }],
  ['docker://hub:5000/', { transport: 'docker', registry: 'hub:5000' }],
  ['docker://hub.company.com/team/', { transport: 'docker', registry: 'hub.company.com', prefix: 'team' }],
  ['oci:layouts/redis', { transport: 'oci', path: 'layouts/redis' }],
  ['oci:layouts/redis:7', { transport: 'oci', path: 'layouts/redis', name: '7' }],
  [
    'oci-archive:/media/usb/a.tar:redis:7',
    { transport: 'oci-archive', path: '/media/usb/a.tar', name: 'redis:7' },
  ],
  ['docker-archive:a.tar', { transport: 'docker-archive', path: 'a.tar' }],
  ['bundle:site.tar', { transport: 'bundle', path: 'site.tar' }],
  ['docker-daemon:', { transport: 'docker-daemon' }],
  [
    'docker-daemon:nginx',
    {
      transport: 'docker-daemon',
      image: { registry: 'docker.io', repository: 'library/nginx', tag: 'latest' },
    },
  ],
  [`docker-daemon:${ID}`, { transport: 'docker-daemon', id: ID }],
  [
    'docker-daemon:ssh://ops@10.77.0.11:2222',
    { transport: 'docker-daemon', engine: 'ssh://ops@10.77.0.11:2222' },
  ],
  [
    'docker-daemon:ssh://ops@10.77.0.11/hub.company.com/nginx:1.25',
    {
      transport: 'docker-daemon',
      engine: 'ssh://ops@10.77.0.11',
      image: { registry: 'hub.company.com', repository: 'nginx', tag: '1.25' },
    },
  ],
  ['./saved/mysql.tar', { transport: 'path', path: './saved/mysql.tar' }],
  ['saved:mysql/x.tar', { transport: 'path', path: 'saved:mysql/x.tar' }],
];

for (const [text, location] of cases) {
  test(`"${text}" is read as containers-transports(5) has it`, () => {
    assert.equal(parseLocation(text), location);
    assert.equal(parseLocation(formatLocation(location as Location)), location);
  });
}

const refused: [text: string, suggestion: RegExp][] = [
  ['docker://', /before it/],
  ['oci:', /oci:PATH/],
  ['oci:dir:', /before it/],
  ['docker-archve:x.tar', /docker-archive:/],
  ['docker-daemon:http://x/y', /ssh:\/\/user@host/],
  ['', /before it/],
];

for (const [text, suggestion] of refused) {
  test(`"${text}" is refused with what may have been meant`, () => {
    assert.throws(
      () => parseLocation(text),
      (error: unknown) => isAirferryError(error, 'USAGE') && suggestion.test(error.suggestions.join(' ')),
    );
  });
}

test('a bad image name is refused as everywhere', () => {
  assert.throws(
    () => parseLocation('docker://hub.company.com/Team/nginx'),
    (error: unknown) => isAirferryError(error, 'REFERENCE_INVALID'),
  );
});

test('words that look like paths are told from image names', () => {
  for (const path of ['./x', '/x', '../x', '~/x', 'x.tar', 'a/b.tar.gz', 'x.tgz', 'x.TAR'])
    assert.ok(isPath(path), path);
  for (const name of ['nginx', 'nginx:1.25', 'hub.company.com/nginx', 'team/nginx'])
    assert.not.ok(isPath(name), name);
});

test.run();
