/**
 * Compile the deflate encoder from assembly/deflate. Run as a script (`npm run wasm`) it writes the code where the
 * program has it; the tests compare, so that what is shipped is what can be read.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const TARGET = 'src/support/deflate/wasm.ts';

/** The text of src/support/deflate/wasm.ts as the source gives it. Throws what the compiler says. */
export async function compiledText(): Promise<string> {
  let code: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      'assembly/deflate/index.ts',
      ...['--baseDir', root, '--outFile', 'deflate.wasm', '-O3', '--noAssert', '--runtime', 'stub'],
    ],
    {
      writeFile: (_name, contents) => {
        code = contents as Uint8Array;
      },
    },
  );
  if (error || !code) throw new Error(`assembly/deflate does not compile: ${stderr}`);
  return [
    '/** The code of the deflate encoder, compiled from assembly/deflate by `npm run wasm`. Not to be edited. */',
    '',
    '/** WebAssembly, in base64. */',
    'export const CODE =',
    `  '${Buffer.from(code).toString('base64')}';`,
    '',
  ].join('\n');
}

if (import.meta.main) writeFileSync(`${root}${TARGET}`, await compiledText());
