/**
 * `npm run demo`: the first crossing, in front of one's eyes.
 *
 * As root on Debian: two hosts with systemd and a registry with a private CA are booted, a site is packed and verified,
 * the hosts are installed, the registry is filled, and a host runs a container from an image that it pulled back out of
 * it. Elsewhere: the part that needs no hosts. What it makes is taken away at the end, also after Ctrl-C.
 */
import { whyNoLab } from '../lab/readiness.ts';
import { Stage } from './stage.ts';

const stage = new Stage();
const reason = whyNoLab();
const began = performance.now();
try {
  if (reason === undefined) {
    const { cross } = await import('./crossing.ts');
    await cross(stage);
  } else {
    const { pack } = await import('./pack-only.ts');
    await pack(stage, reason);
  }
  stage.say(`Done in ${Math.round((performance.now() - began) / 1000)} s.`);
} catch (error) {
  stage.say(`The demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await stage.clear();
}
