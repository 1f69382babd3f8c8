/**
 * A container that proves that the engine runs containers: an image of one file, docker-init of the release itself, which
 * tells its version and ends. It has no network and no volumes, needs no image of the site, and is removed with its image.
 */
import type { EngineRelease } from '../engine/release.ts';
import { quote } from '../host/quote.ts';
import { setTimeLimit } from './docker-cli.ts';

const PROBE = 'airferry-probe';

/**
 * The script, for `dockerScript`. Prints `probe=ok`, `probe=skipped: why` or `probe=failed: what docker said`. Whether
 * docker-init needs no libraries, and so can run alone in an image, is tried in a chroot first.
 */
export function probeScript({ binDir }: Pick<EngineRelease, 'binDir'>): string {
  return `probe() {
  d=$(mktemp -d) || { echo 'probe=skipped: no room for its image'; return; }
  ran=
  trap '[ "$ran" ] || docker rm -f ${PROBE} >/dev/null 2>&1; docker image rm -f ${PROBE}:latest >/dev/null 2>&1; rm -rf -- "$d"' EXIT
  cp -- ${quote(`${binDir}/docker-init`)} "$d/probe" 2>/dev/null && chmod 0755 "$d/probe" ||
    { echo 'probe=skipped: the release has no docker-init'; return; }
  chroot "$d" /probe --version >/dev/null 2>&1 ||
    { echo 'probe=skipped: docker-init does not run alone'; return; }
  run() { $t docker run --rm --name ${PROBE} --network none --entrypoint /probe ${PROBE}:latest --version >/dev/null 2>"$d/said"; }
  # One that an interrupted probe has left has the name.
  tar -C "$d" -cf - probe | $t docker import - ${PROBE}:latest >/dev/null 2>"$d/said" &&
    { run || { docker rm -f ${PROBE} >/dev/null 2>&1; run; }; } && { ran=1; echo probe=ok; return; }
  echo "probe=failed: $(tail -n 3 "$d/said" | tr '\\n' ' ')"
}
${setTimeLimit(60)}
(probe)`;
}
