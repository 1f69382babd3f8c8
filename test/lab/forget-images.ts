/** An engine without images, for tests that bring some. */
import type { Host } from './host.ts';

/** Remove all images of a host's engine. An image that others were built on goes only after them, so it takes rounds. */
export async function forgetImages(host: Host): Promise<void> {
  await host.sh(`for round in 1 2 3 4 5; do
      docker image ls -aq --no-trunc | sort -u | xargs -r docker rmi -f >/dev/null 2>&1 || :
      [ -n "$(docker image ls -aq)" ] || exit 0
    done
    docker image ls -a >&2; exit 1`);
}
