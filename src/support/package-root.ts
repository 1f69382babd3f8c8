/** Where the package lies whose code this is: in a checkout, or installed. */
import { existsSync } from 'node:fs';

/** Whether this is the built program: one file holds many modules then, and none lies where its source does. */
export const BUILT = import.meta.url.endsWith('.js');

/** The folder of package.json, the nearest above this file. */
export const PACKAGE_ROOT = nearest(new URL('./', import.meta.url));

/** The program of a thread: `name` is that of its file in src/support. */
export function threadProgram(name: string): URL {
  return new URL(BUILT ? `dist/support/${name}.js` : `src/support/${name}.ts`, PACKAGE_ROOT);
}

function nearest(folder: URL): URL {
  const above = new URL('../', folder);
  return existsSync(new URL('package.json', folder)) || above.href === folder.href ? folder : nearest(above);
}
