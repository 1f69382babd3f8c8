/** Images into the stores of several runtimes, as archives and pulled through a forwarded port. */
import * as assert from 'uvu/assert';
import { type Corpus, tinyCorpus } from '../lab/corpus.ts';
import type { Host } from '../lab/host.ts';
import { installEngine } from '../lab/install.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { installContainerd, installStorageTools } from '../lab/runtimes.ts';
import { suite } from '../support/suite.ts';
import { act, type Request, resultOf, type Told } from './host-operator.ts';

const test = suite('image load by pull and by archive', { timeout: 240_000 });
const reason = whyNoLab();

interface Place {
  runtime: string;
  /** What `auto` does. */
  via: 'archive' | 'pull';
  /** Whether the runtime knows images by their manifests. */
  digests: boolean;
  forget: string;
  run: string;
  /** Lists names. */
  names: string;
}

const DOCKER: Omit<Place, 'via' | 'digests'> = {
  runtime: 'docker',
  forget: 'docker image ls -q | sort -u | xargs -r docker rmi -f >/dev/null',
  run: 'docker run --rm site/tiny-b:1.0',
  names: "docker image ls --format '{{.Repository}}:{{.Tag}}'",
};

const PLACES: Record<string, Place> = {
  classic: { ...DOCKER, via: 'archive', digests: false },
  snap: { ...DOCKER, via: 'pull', digests: true },
  ctr: {
    runtime: 'containerd (namespace k8s.io)',
    via: 'pull',
    digests: true,
    forget: 'ctr -n k8s.io images ls -q | xargs -r ctr -n k8s.io images rm --sync >/dev/null',
    run: 'ctr -n k8s.io run --rm docker.io/site/tiny-b:1.0 e2e',
    names: 'ctr -n k8s.io images ls -q',
  },
  podman: {
    runtime: 'podman',
    via: 'pull',
    digests: false,
    forget: 'podman rmi -af >/dev/null',
    run: 'podman run --rm --network=none site/tiny-b:1.0',
    names: "podman images --format '{{.Repository}}:{{.Tag}}'",
  },
};
const HOSTS = Object.keys(PLACES);

let lab: Lab;
let corpus: Corpus;

async function load(over: Partial<Request> = {}, hosts = HOSTS): Promise<Told[]> {
  const root = hosts.map(name => ({ name, address: lab.host(name).address, user: 'root' }));
  const answer = await act(lab, {
    action: 'load',
    source: corpus.ociArchive,
    ...over,
    hosts: root.map(withKey),
  });
  for (const { name, error } of answer.hosts) assert.not.ok(error, `${name}: ${error?.message}`);
  return answer.hosts;
}

const withKey = (who: { name: string; address: string; user: string }) => ({ ...who, identity: lab.keyFile });
const place = (name: string): Place => PLACES[name] as Place;

async function forget(): Promise<void> {
  for (const host of lab.hosts) await host.sh(place(host.name).forget);
}

/** That a host has the images, under their names alone, and can run one. `form`: skopeo writes configs of its own. */
async function expectThere(host: Host, told: Told, form: keyof Corpus = 'ociArchive'): Promise<void> {
  const { run, names, digests, runtime } = place(host.name);
  assert.is(told.runtime, runtime);
  assert.is((await host.sh(run)).trim(), 'b', host.name);
  const listed = (await host.sh(names)).split('\n').filter(name => !name.startsWith('sha256:'));
  assert.is(listed.length, corpus.images.length, listed.join(' '));
  assert.not.match(listed.join(' '), '127.0.0.1');
  for (const image of told.images ?? []) {
    const known = corpus.images.find(({ name }) => image.names.includes(name));
    assert.ok(known, image.names.join());
    if (form !== 'ociArchive') assert.is(image.id === known.id, !digests, `${host.name}: ${image.id}`);
  }
}

if (reason !== undefined) test.skip('images are loaded', reason);
else {
  test.before(async () => {
    lab = await Lab.up({
      hosts: [{ name: 'classic' }, { name: 'snap', suite: 'trixie' }, { name: 'ctr' }, { name: 'podman' }],
    });
    corpus = await tinyCorpus();
    await installEngine(lab.host('classic'), '20.10.24');
    await installEngine(lab.host('snap'), '26.1.5', { features: { 'containerd-snapshotter': true } });
    await installContainerd(lab.host('ctr'));
    await installStorageTools(lab.host('podman'), 'podman');
  });

  test.after(async () => {
    await lab?.down();
  });

  test('each runtime gets its images in the way that moves least, and nothing the second time', async () => {
    await forget();
    for (const told of await load()) {
      const { via } = place(told.name);
      assert.is(told.outcome, 'changed');
      assert.equal(new Set(told.images?.map(image => image.via)), new Set([via]));
      const sent = told.images?.reduce((sum, { bytes = 0 }) => sum + bytes, 0) ?? 0;
      assert.ok(sent > 1_000_000 && sent < 1_300_000, `${told.name} was sent ${sent} bytes`);
      await expectThere(lab.host(told.name), told);
    }
    assert.equal(
      (await load()).map(({ outcome }) => outcome),
      HOSTS.map(() => 'unchanged'),
    );
  });

  for (const via of ['archive', 'pull'] as const) {
    for (const form of ['ociArchive', 'save20', 'save26'] as const) {
      test(`${form} by ${via}, whatever the store`, async () => {
        await forget();
        for (const told of await load({ via, source: corpus[form] })) {
          assert.equal(new Set(told.images?.map(image => image.via)), new Set([via]));
          await expectThere(lab.host(told.name), told, form);
        }
      });
    }
  }

  test('the store of CRI-O is written by skopeo where there is no podman; it takes no archive', async () => {
    const host = lab.host('podman');
    await forget();
    await installStorageTools(host, 'podman', 'skopeo');
    await host.sh('mv /usr/bin/podman /usr/bin/hidden');
    try {
      const [told] = await load({ runtime: 'crio' }, ['podman']);
      assert.is(told?.runtime, 'CRI-O (by skopeo)');
      assert.equal(new Set(told?.images?.map(({ via }) => via)), new Set(['pull']));
      assert.is((await load({ runtime: 'crio' }, ['podman']))[0]?.outcome, 'unchanged');
      const who = [withKey({ name: 'podman', address: host.address, user: 'root' })];
      await host.sh('hidden rmi -af');
      const archive = { action: 'load', source: corpus.ociArchive, runtime: 'crio', via: 'archive' } as const;
      assert.is(resultOf(await act(lab, { ...archive, hosts: who }), 'podman').error?.code, 'LOAD_FAILED');
    } finally {
      await host.sh('mv /usr/bin/hidden /usr/bin/podman; rm /usr/bin/skopeo');
    }
  });

  test('a dry run says what would travel, and changes nothing', async () => {
    await forget();
    for (const told of await load({ dryRun: true })) {
      assert.is(told.images?.length, corpus.images.length);
      assert.equal(new Set(told.images?.map(({ via }) => via)), new Set([place(told.name).via]));
      assert.is((await lab.host(told.name).sh(place(told.name).names)).trim(), '');
    }
  });

  test('an image that is there already but for its name travels without its layers', async () => {
    await forget();
    await load();
    for (const [name, script] of [
      ['snap', 'docker rmi site/tiny-b:1.0'],
      ['ctr', 'ctr -n k8s.io images rm --sync docker.io/site/tiny-b:1.0'],
      ['podman', 'podman rmi site/tiny-b:1.0'],
    ] as const) {
      await lab.host(name).sh(script);
      const [told] = await load({}, [name]);
      const [image] = told?.images ?? [];
      assert.ok((image?.bytes ?? Infinity) < 60_000, `${name}: ${JSON.stringify(image)}`);
      assert.ok((image?.spared ?? 0) > 1_000_000, `${name}: ${JSON.stringify(image)}`);
    }
  });

  test('where sshd forbids forwarding archives go, with the reason; a pull that is asked for fails with it', async () => {
    await forget();
    const config = '/etc/ssh/sshd_config.d/forbid.conf';
    const settings = ['AllowTcpForwarding no', 'AllowTcpForwarding local', 'DisableForwarding yes'];
    for (const [i, name] of ['snap', 'ctr', 'podman'].entries()) {
      const host = lab.host(name);
      const setting = settings[i] ?? '';
      await host.sh(`echo ${setting} >${config} && systemctl reload ssh`);
      const events: string[] = [];
      const request = { action: 'load', source: corpus.ociArchive } as const;
      const who = [withKey({ name, address: host.address, user: 'root' })];
      const forced = await act(lab, { ...request, via: 'pull', hosts: who });
      const { error } = resultOf(forced, name);
      assert.is(error?.code, 'HOST_FORWARDING');
      assert.match(error?.message ?? '', `its sshd has ${setting}`);
      const answer = await act(lab, { ...request, hosts: who }, event => {
        if (event.kind === 'phase-note') events.push(event.text);
      });
      assert.match(events.join('\n'), `its sshd has ${setting}; whole archives are sent instead`);
      const told = resultOf(answer, name);
      assert.equal(new Set(told.images?.map(({ via }) => via)), new Set(['archive']));
      await host.sh(`rm ${config} && systemctl reload ssh`);
      await expectThere(host, told);
    }
  });

  test('other users of the host cannot read from the port, and no port is left behind', async () => {
    const host = lab.host('snap');
    await host.sh(place('snap').forget);
    // Tries every port that sshd listens on, over and over, as somebody would who knew what comes.
    const spy = `#!/bin/bash
end=$((SECONDS + 20)); while [ $SECONDS -lt $end ] && [ ! -e /tmp/stop ]; do
  while read -r slot local remote state rest; do
    [ "$state" = 0A ] && case $local in 0100007F:*)
      if exec 3<>/dev/tcp/127.0.0.1/$((16#\${local#*:})); then
        echo tried >>/tmp/tried; printf 'GET /v2/ HTTP/1.0\\r\\n\\r\\n' >&3; timeout 1 cat <&3 >>/tmp/heard; exec 3>&-
      fi 2>/dev/null;; esac
  done </proc/net/tcp
done`;
    const spying = host.exec(['su', 'plain', '-s', '/bin/bash', '-c', spy]);
    for (let i = 0; i < 5; i++) {
      await load({ via: 'pull' }, ['snap']);
      await host.sh(place('snap').forget);
    }
    await host.sh('touch /tmp/stop');
    await spying;
    assert.match(await host.sh('cat /tmp/tried'), 'tried');
    assert.is(await host.sh('cat /tmp/heard'), '');
    assert.is(await host.sh('ss -Htln src 127.0.0.1 | grep sshd || :'), '');
  });
}

test.run();
