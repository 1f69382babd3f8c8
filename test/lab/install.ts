/** Docker put on a host by hand, as the offline-install articles do: for tests that begin where an engine already runs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineVersion, engineArchive } from './engines.ts';
import { must } from './exec.ts';
import type { Host } from './host.ts';

/** The unit of those articles: dockerd starts its own containerd. */
const UNIT = `[Unit]
Description=Docker Application Container Engine
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart=/usr/bin/dockerd
ExecReload=/bin/kill -s HUP $MAINPID
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TimeoutStartSec=0
Delegate=yes
KillMode=process
Restart=on-failure

[Install]
WantedBy=multi-user.target
`;

/**
 * Install an engine into /usr/bin of a host and start it; `daemon` becomes its daemon.json. Comes back when dockerd
 * answers. Throws with the unit's log when it does not start, as 26.1.5 on a bookworm host cannot.
 */
export async function installEngine(
  host: Host,
  version: EngineVersion,
  daemon: Record<string, unknown> = {},
): Promise<void> {
  const archive = await readFile(await engineArchive(version));
  const unpack = ['tar', '-xzf', '-', '--strip-components=1', '-C', '/usr/bin'];
  const unpacked = await host.exec(unpack, { input: archive });
  if (unpacked.code !== 0) throw new Error(`host ${host.name}: ${unpacked.stderr}`);
  await must(['mkdir', '-p', join(host.root, 'etc/docker')]);
  await writeFile(join(host.root, 'etc/docker/daemon.json'), JSON.stringify(daemon, undefined, 2));
  await writeFile(join(host.root, 'etc/systemd/system/docker.service'), UNIT);
  await host.sh(`getent group docker >/dev/null || groupadd --system docker
    systemctl daemon-reload
    systemctl enable --now docker || { journalctl --no-pager -u docker -n 40 >&2; exit 1; }`);
}
