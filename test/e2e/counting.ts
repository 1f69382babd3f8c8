/** A container that counts: whether it was ever interrupted can be read off what it has written. */
import type { Host } from '../lab/host.ts';

const LOG = '/var/tmp/counting';

export interface Counter {
  /** What the engine calls it, its process, and since when that runs. */
  identity: string;
  /** Lines, each with the host's uptime in hundredths of a second. */
  count: number;
  /** The longest time between two lines; seconds. */
  longestGap: number;
  /** Whether every number follows the one before it: no second process has begun at 1. */
  unbroken: boolean;
}

/** Start it on a host whose engine has busybox:1.35. */
export async function startCounting(host: Host, name = 'counter', policy = 'no'): Promise<void> {
  await host.sh(`mkdir -p ${LOG}; rm -f ${LOG}/${name}
docker run -d --name ${name} --restart ${policy} -v ${LOG}:/out busybox:1.35 sh -c 'i=0; while :; do i=$((i+1)); read up rest < /proc/uptime; echo "$i $up" >> /out/${name}; sleep 0.1; done'`);
}

export async function readCounter(host: Host, name = 'counter'): Promise<Counter> {
  const identity = await host.sh(
    `docker inspect --format '{{.Id}} {{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}' ${name}
cut -d ' ' -f 22 /proc/$(docker inspect --format '{{.State.Pid}}' ${name})/stat`,
  );
  const lines = (await host.sh(`cat ${LOG}/${name}`)).split('\n').map(line => line.split(' ').map(Number));
  const gaps = lines.slice(1).map(([, up = 0], i) => up - (lines[i]?.[1] ?? 0));
  return {
    identity,
    count: lines.length,
    longestGap: Math.max(0, ...gaps),
    unbroken: lines.every(([number], i) => number === i + 1),
  };
}
