/** The recipe's other files; and those of an earlier recipe that this one has no more, undone. */
import { posix } from 'node:path';
import { parseDigest } from '../content/digest.ts';
import { verified } from '../content/verified.ts';
import { quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import { uploadBlob } from '../host/transfer.ts';
import { isRecipeFile } from './origin.ts';
import type { HostContext, Phase } from './phase.ts';
import { type DesiredFile, planFiles } from './place-files.ts';
import { planUndo, runUndo } from './undo.ts';
import type { WantedFile } from './wanted.ts';
import { belongsTo } from './write-units.ts';

/** Larger ones are uploaded as blobs, so that an interrupted upload goes on; bytes. */
const SMALL = 1024 * 1024;

export const copyFiles: Phase = {
  name: 'copy-files',
  plan(context) {
    const { files } = context.wanted;
    const turns: Turns = new Map();
    const plan = planFiles(
      context,
      files.map(file => desired(file, context, turns)),
    );
    const wanted = new Set(files.map(file => file.path));
    const old = context.state.files.filter(file => isRecipeFile(file) && !wanted.has(file.path));
    const undo = planUndo(old, context.survey);
    if (plan.changes.length === 0 && undo.length === 0) return undefined;
    const gone = old.map(file => file.path);
    // A recipe may have drop-ins for our units.
    const touched = [...plan.files.map(file => file.path), ...gone];
    const units = context.wanted.engine?.unitNames ?? [];
    return {
      changes: [...plan.changes, ...undo.map(step => step.change)],
      files: plan.files,
      gone,
      restart: units.filter(unit => touched.some(path => belongsTo(path, unit))),
      async run() {
        await plan.run();
        await runUndo(context.shell, undo);
      },
    };
  },
};

/** The last upload of each digest: two files with one content would share, and spoil, one blob on the host. */
type Turns = Map<string, Promise<void>>;

function desired({ path, mode, blob }: WantedFile, { signal }: HostContext, turns: Turns): DesiredFile {
  const asked = { path, mode, sha256: blob.digest.replace('sha256:', '') };
  if (blob.size <= SMALL) return { ...asked, size: blob.size, read: () => whole(blob) };
  return {
    ...asked,
    async write(shell) {
      const former = turns.get(blob.digest);
      const turn = async (): Promise<void> => {
        await former?.catch(() => undefined);
        const staged = await uploadBlob(shell, blob, signal ? { signal } : {});
        await moveInto(shell, staged.path, path, mode);
      };
      const mine = turn();
      turns.set(blob.digest, mine);
      return mine;
    },
  };
}

/** Throws DIGEST_MISMATCH for what is damaged here: the host would be asked no more than whether it has what it was sent. */
async function whole(blob: WantedFile['blob']): Promise<Uint8Array> {
  const promised = { digest: parseDigest(blob.digest), size: blob.size };
  return Buffer.concat(await Array.fromAsync(verified(blob.open(0), promised)));
}

async function moveInto(shell: Shell, blob: string, path: string, mode: string): Promise<void> {
  const temporary = posix.join(posix.dirname(path), `.${posix.basename(path).slice(0, 200)}.airferry`);
  const script = `set -e
t=${quote(temporary)}
trap 'rm -f -- "$t"' EXIT
mkdir -p -- ${quote(posix.dirname(path))}
cp -- ${quote(blob)} "$t"
chmod ${mode} -- "$t"
chown root:root -- "$t"
sync -- "$t" 2>/dev/null || sync
mv -f -T -- "$t" ${quote(path)}
rm -f -- ${quote(blob)}`;
  await shell.run(script, { root: true, title: `write ${path}` });
}
