import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import { gatherFacts, type PathFacts } from '../../src/host/facts.ts';
import { parseFacts } from '../../src/host/facts-parse.ts';
import { suite } from '../support/suite.ts';
import { failure, site } from './site.ts';

const test = suite('host/facts');

/** As a CentOS 7 with Docker from a repository answers. */
const CENTOS = `now=1700000000.250000000
hostname=node01.site
machine=x86_64
kernel=3.10.0-1160.el7.x86_64
init=systemd
os=NAME="CentOS Linux"
os=VERSION_ID="7"
os=ID="centos"
os=ID_LIKE="rhel fedora"
os=PRETTY_NAME="CentOS Linux 7 (Core)"
systemd=systemd 219
mem=MemTotal: 8008000
mem=MemAvailable: 4004000
mem=SwapTotal: 1000
cgroup=cgroup /sys/fs/cgroup/systemd rw,nosuid,xattr,name=systemd
cgroup=cgroup /sys/fs/cgroup/memory rw,nosuid,memory
cgroup=cgroup /sys/fs/cgroup/cpu,cpuacct rw,nosuid,cpuacct,cpu
cgroups=#subsys_name	hierarchy	num_cgroups	enabled
cgroups=cpu	4	63	1
cgroups=cpuacct	4	63	1
cgroups=memory	9	63	0
controllers=
overlay=loadable
iptables=iptables v1.4.21
forward=1
selinux=Enforcing
firewall=firewalld
tool=tar
listen=00000000:0016
listen=0100007F:0947
listen=00000000000000000000000000000000:0948
listen=00000000000000000000000001000000:1388
listen=0000000000000000FFFF00000100007F:1389
listen=7F00000A:138A
group=994:ops,deploy
binary=dockerd /usr/bin/dockerd
resolved=dockerd /usr/bin/dockerd
origin=dockerd rpm docker-ce-19.03.15-3.el7.x86_64
version=dockerd Docker version 19.03.15, build 99e3ed8919
binary=docker /usr/local/bin/docker
resolved=docker /opt/docker/docker
origin=docker unknown
process=dockerd:dockerd
process=docker-containerd:docker-containe
process=docker-containerd-shim:docker-containe
process=containerd-shim-runc-v2:containerd-shim
process=:containerd-shim
unit=/usr/lib/systemd/system/docker.service
unit=/etc/systemd/system/docker.service.d/proxy.conf
hosts=127.0.0.1 localhost
hosts=172.11.1.107 hub.company.com
machineid=0123456789abcdef0123456789abcdef
resolv=# by NetworkManager
resolv=nameserver 172.11.1.2
resolv=nameserver fe80::1%eth0
resolv=nameserver $(reboot)
resolv=search site
route=Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
route=eth0	00000000	FE010BAC	0003	0	0	100	00000000	0	0	0
route=eth0	00010BAC	00000000	0001	0	0	100	00FFFFFF	0	0	0
route=docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
route=eth1	0000000A	01010BAC	0003	0	0	0	000000FF	0	0	0
route6=fd000001000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
route6=fd000001000000000000000000000005 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000003 00000000 80200001     eth0
route6=fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
route6=00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000001000000000000000000000001 00000400 00000001 00000000 00000003     eth0
route6=20010db8000100000000000000000000 30 00000000000000000000000000000000 00 fd000001000000000000000000000009 00000400 00000001 00000000 00000003     eth1
route6=fd00d0c0000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001  docker0
route6=ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
apparmor=
limit=fs/file-max 9223372036854775807
limit=kernel/pid_max 32768
limit=evil -1
kconfig=/boot/config-3.10.0-1160.el7.x86_64
kset=CONFIG_VETH=m
kset=CONFIG_NET_NS=y
kset=CONFIG_BRIDGE=n
module=overlay loadable
module=br_netfilter loaded
package=docker-ce
timesync=chronyd
timesync=chronyd
path=/data/docker
exists=/data
df=/dev/mapper/vg-data xfs 104806400 33000000 71806400 32% /data
inodes=/dev/mapper/vg-data 52428800 1000 52427800 1% /data
ftype=0
path=/x
exists=/
df=/dev/sda1 ext4 1000 100 900 10% /
inodes=/dev/sda1 0 0 0 - /
end=1
`;

test('the answer of an old host is read', () => {
  const facts = parseFacts(CENTOS);
  assert.equal(facts.os, {
    id: 'centos',
    idLike: ['rhel', 'fedora'],
    versionId: '7',
    prettyName: 'CentOS Linux 7 (Core)',
  });
  assert.is(facts.platform, 'linux/amd64');
  assert.is(facts.systemd, 219);
  assert.equal(facts.cgroup, { version: 1, controllers: ['cpuacct', 'cpu'] });
  assert.is(facts.overlay, 'loadable');
  assert.equal(facts.iptables, { version: '1.4.21', backend: 'unknown' });
  assert.is(facts.ipForward, true);
  assert.is(facts.selinux, 'enforcing');
  assert.equal(facts.firewalls, ['firewalld']);
  assert.equal(facts.listening, [
    { port: 22, loopback: false },
    { port: 2375, loopback: true },
    { port: 2376, loopback: false },
    { port: 5000, loopback: true },
    { port: 5001, loopback: true },
    { port: 5002, loopback: false },
  ]);
  assert.equal(facts.dockerGroup, { gid: 994, members: ['ops', 'deploy'] });
  assert.equal(facts.binaries.dockerd, {
    path: '/usr/bin/dockerd',
    resolved: '/usr/bin/dockerd',
    version: '19.03.15',
    origin: { kind: 'rpm', package: 'docker-ce-19.03.15-3.el7.x86_64' },
  });
  assert.equal(facts.binaries.docker?.origin, { kind: 'unknown' });
  assert.is(facts.binaries.docker?.resolved, '/opt/docker/docker');
  assert.equal(facts.processes, { dockerd: 1, containerd: 1, shims: 3 });
  assert.is(facts.units.length, 2);
  assert.is(facts.etcHosts[1], '172.11.1.107 hub.company.com');
  assert.equal(facts.paths[0], {
    path: '/data/docker',
    exists: '/data',
    device: '/dev/mapper/vg-data',
    type: 'xfs',
    mount: '/data',
    total: 104806400 * 1024,
    free: 71806400 * 1024,
    inodesFree: 52427800,
    ftype: false,
  });
  assert.is(facts.paths[1]?.inodesFree, 0);
  assert.is(facts.memory.total, 8008000 * 1024);
  assert.is(facts.machineId, '0123456789abcdef0123456789abcdef');
  assert.equal(facts.dns, { servers: ['172.11.1.2', 'fe80::1%eth0'], upstream: false });
  assert.equal(facts.routes, [
    { network: '172.11.1.0/24', device: 'eth0' },
    { network: '10.0.0.0/8', device: 'eth1' },
    { network: 'fd00:1::/64', device: 'eth0' },
    { network: '2001:db8:1::/48', device: 'eth1' },
  ]);
  assert.is(facts.apparmor, false);
  assert.equal(facts.limits, { 'fs/file-max': Number.MAX_SAFE_INTEGER, 'kernel/pid_max': 32768 });
  assert.equal(facts.kernelConfig, {
    file: '/boot/config-3.10.0-1160.el7.x86_64',
    enabled: ['VETH', 'NET_NS'],
  });
  assert.equal(facts.modules, [
    { name: 'overlay', loaded: false },
    { name: 'br_netfilter', loaded: true },
  ]);
  assert.equal(facts.packages, ['docker-ce']);
  assert.equal(facts.timeSync, ['chronyd']);
});

test('cgroup v2, as current hosts have it', () => {
  const answer =
    'cgroup=cgroup2 /sys/fs/cgroup rw,nsdelegate\ncontrollers=cpuset cpu io memory pids\nend=1\n';
  assert.equal(parseFacts(answer).cgroup, {
    version: 2,
    controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'],
  });
  assert.equal(parseFacts('end=1').cgroup, { version: undefined, controllers: [] });
});

test('an answer that was cut short is no answer', () => {
  for (const answer of ['', 'uid=0\n', CENTOS.slice(0, -10), '\u0000'.repeat(1000)]) {
    assert.throws(
      () => parseFacts(answer),
      (error: unknown) => isAirferryError(error, 'HOST_COMMAND_FAILED'),
    );
  }
});

test('nonsense in an answer harms nobody', () => {
  const nonsense = CENTOS.split('\n')
    .map(line =>
      line.startsWith('end')
        ? line
        : `${line.slice(0, line.indexOf('=') + 1)}\u0000;$(x) =%s\ud800 ${'9'.repeat(3000)}`,
    )
    .join('\n');
  const facts = parseFacts(nonsense);
  assert.equal(facts.listening, []);
  assert.ok(
    Object.getPrototypeOf(facts.binaries) === Object.prototype || facts.binaries.dockerd === undefined,
  );
  parseFacts('binary=__proto__ /x\nversion=__proto__ 1.2.3\npath=/a\ndf=\nend=1\n');
  assert.is(({} as Record<string, unknown>).path, undefined);
  parseFacts(`${'listen=00000000:0016\n'.repeat(100_000)}end=1`.slice(-90_000));
});

test('a real host is asked in one go, of which nothing changes', async () => {
  await using at = await site();
  const { home, bin } = at.server;
  mkdirSync(join(home, 'airferry'));
  writeFileSync(
    join(home, 'airferry', 'dockerd'),
    '#!/bin/sh\necho Docker version 20.10.24, build 297e128\n',
  );
  chmodSync(join(home, 'airferry', 'dockerd'), 0o755);
  symlinkSync(join(home, 'airferry', 'dockerd'), join(bin, 'dockerd'));
  const missing = join(home, "not yet'there", 'deep');
  const facts = await gatherFacts(at.shell, { paths: ['/', missing] });
  assert.is(at.server.commands.length, 2);
  assert.is(facts.hostname, hostname());
  assert.equal(facts.privilege, { how: 'root' });
  assert.ok(Math.abs(facts.clockSkewMs) < 5_000);
  assert.ok(facts.memory.total > 0);
  assert.ok(facts.tools.includes('sha256sum'));
  const kernel = (name: string): string => readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  for (const name of ['fs/file-max', 'fs/nr_open', 'kernel/pid_max'])
    assert.is(facts.limits[name], Math.min(Number(kernel(name)), Number.MAX_SAFE_INTEGER), name);
  assert.equal(facts.binaries.dockerd, {
    path: join(bin, 'dockerd'),
    resolved: join(home, 'airferry', 'dockerd'),
    origin: { kind: 'airferry' },
  });
  assert.equal(
    facts.paths.map(path => [path.path, path.exists]),
    [
      ['/', '/'],
      [missing, home],
    ],
  );
  assert.ok(
    facts.paths.every(path => path.total > 0 && path.type !== 'unknown' && path.mount.startsWith('/')),
  );
  assert.ok(facts.listening.some(({ port, loopback }) => port === at.server.port && loopback));
  const error = await gatherFacts(at.shell, { paths: ['var/lib'] }).catch((thrown: unknown) => thrown);
  assert.ok(isAirferryError(error, 'USAGE'));
});

test('an engine that airferry has not installed is asked for its version', async () => {
  await using at = await site();
  const { bin } = at.server;
  writeFileSync(join(bin, 'dockerd'), '#!/bin/sh\necho Docker version 20.10.24, build 297e128\n');
  chmodSync(join(bin, 'dockerd'), 0o755);
  const { binaries } = await gatherFacts(at.shell, { paths: [] });
  assert.equal(binaries.dockerd, {
    path: join(bin, 'dockerd'),
    resolved: join(bin, 'dockerd'),
    version: '20.10.24',
    origin: { kind: 'unknown' },
  });
});

test('programs that take one path at a time, or fail for one of several, are asked for each', async () => {
  await using at = await site();
  const { home, bin } = at.server;
  mkdirSync(join(home, 'airferry'));
  for (const name of ['dockerd', 'runc']) {
    writeFileSync(join(home, 'airferry', name), '#!/bin/sh\n');
    chmodSync(join(home, 'airferry', name), 0o755);
    symlinkSync(join(home, 'airferry', name), join(bin, name));
  }
  const paths = ['/', home, '/proc'];
  const expected = await gatherFacts(at.shell, { paths });
  const asked = join(home, 'asked');
  // With one path readlink has three words, df five or four.
  for (const [name, words] of [
    ['readlink', 3],
    ['df', 5],
  ] as const) {
    const real = ['/usr/bin', '/bin'].map(dir => join(dir, name)).find(existsSync);
    const refuse = `[ $# -le ${words} ] || { echo 'extra operand' >&2; exit 1; }`;
    writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} $# >> ${asked}\n${refuse}\nexec ${real} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const facts = await gatherFacts(at.shell, { paths });
  assert.match(
    readFileSync(asked, 'utf8'),
    /readlink [4-9]\n(readlink 3\n){2,}.*df 7\n(df 5\n){3}df 6\n(df 4\n){3}/s,
  );
  assert.equal(facts.binaries, expected.binaries);
  const place = ({ path, exists, mount, type }: PathFacts): string[] => [path, exists, mount, type];
  assert.equal(facts.paths.map(place), expected.paths.map(place));
  assert.ok(facts.paths.every(({ total, free }) => total >= free));
});

test('without root the facts are asked all the same, and say so', async () => {
  await using at = await site({ privilege: 'password' });
  const facts = await gatherFacts(at.shell, { paths: ['/'] });
  assert.ok(facts.privilege.how === 'none' && facts.privilege.problem.code === 'HOST_SUDO');
});

test('a host that answers with something else is named', async () => {
  await using at = await site({
    script: command => ({ stdout: command.includes('id -u ||') ? '0\nmissing\n' : 'Welcome!\n' }),
  });
  await failure(gatherFacts(at.shell, { paths: [] }), 'HOST_COMMAND_FAILED');
});

test.run();
