/**
 * Compile the deflate encoder from assembly/deflate. Run as a script (`npm run wasm`) it writes the code where the
 * program has it; the tests compare, so that what is shipped is what can be read.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
// As a program: the types that the compiler declares for itself are global, and not those of the project.
const COMPILER = join(root, 'node_modules/assemblyscript/bin/asc.js');
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub'];
const TARGET = 'src/support/deflate/wasm.ts';

/** The text of src/support/deflate/wasm.ts as the source gives it. Throws when the source does not compile. */
export function compiledText(): string {
  const folder = mkdtempSync(join(tmpdir(), 'airferry-wasm-'));
  try {
    const out = join(folder, 'deflate.wasm');
    execFileSync(process.execPath, [COMPILER, 'assembly/deflate/index.ts', '--outFile', out, ...OPTIONS], {
      cwd: root,
    });
    return [
      '/** The code of the deflate encoder, compiled from assembly/deflate by `npm run wasm`. Not to be edited. */',
      '',
      '/** WebAssembly, in base64. */',
      'export const CODE =',
      `  '${readFileSync(out).toString('base64')}';`,
      '',
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) writeFileSync(join(root, TARGET), compiledText());
