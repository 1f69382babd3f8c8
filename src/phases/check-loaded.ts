/** After a load the runtime is asked what stands under each name now, and that is held against what was sent. */
import type { AirferryError } from '../errors.ts';
import type { Shell } from '../host/shell.ts';
import { describeTarget } from '../host/target.ts';
import type { ImageLoad } from '../transports/docker-load.ts';
import { differences, loadFailure } from '../transports/loaded.ts';
import type { Runtime } from './runtimes/runtime.ts';

/**
 * The ID that the runtime knows the image by. Throws LOAD_FAILED for names that lead nowhere, or to something else, with
 * what differs; `said` is what the runtime printed while it loaded, some of whose errors come with status 0.
 */
export async function checkLoaded(
  shell: Shell,
  runtime: Runtime,
  load: ImageLoad,
  said: string,
): Promise<string> {
  const found = await runtime.inspect(shell, load.names);
  const missing = load.names.filter(name => !found.some(image => image.name === name));
  const [first] = found;
  if (missing.length > 0 || !first)
    throw loadFailed(shell, runtime, missing, `it is not there after ${runtime.title} took it`, said);
  for (const image of found) {
    const wrong = differences(load, image);
    if (wrong.length > 0)
      throw loadFailed(shell, runtime, [image.name], `it is not what was sent: ${wrong.join('; ')}`, said);
  }
  return first.id;
}

/** The error for images that did not arrive: HOST_DISK_FULL when that is why, else LOAD_FAILED. */
export function loadFailed(
  shell: Shell,
  runtime: Runtime,
  names: readonly string[],
  how: string,
  said: string,
): AirferryError {
  const prune = runtime.name === 'docker' ? 'docker system df; docker' : 'podman or crictl';
  return loadFailure({
    names,
    place: describeTarget(shell.target),
    where: { host: shell.target.name },
    how,
    said,
    room: [
      `Make room there (df -h; ${prune} image prune), then run the same command again.`,
      'An archive needs room beside that for the image while it is loaded; --via pull needs less.',
    ],
    advice: ['Check the source: airferry bundle verify.', runtime.advice],
  });
}
