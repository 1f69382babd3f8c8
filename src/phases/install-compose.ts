/** Put compose where the docker command finds it: v1 as a program, v2 as a plugin that also runs on its own. */
import { posix } from 'node:path';
import { COMPOSE_DIR, type Link } from '../engine/release.ts';
import { LAYOUT } from '../host/layout.ts';
import { quote } from '../host/quote.ts';
import type { InstalledFile } from '../host/state.ts';
import { uploadBlob } from '../host/transfer.ts';
import { formatBytes } from '../support/format.ts';
import type { BareContext, Phase, Plan } from './phase.ts';
import { newFolders } from './place-files.ts';
import { planLinks, setLinks } from './place-links.ts';
import { planUndo, runUndo } from './undo.ts';

/** What it takes for the links to be right; `gone`: paths of links that will no longer be ours. */
export interface ComposeLinks {
  changes: string[];
  files: InstalledFile[];
  gone: string[];
  run(): Promise<void>;
}

export const installCompose: Phase = {
  name: 'install-compose',
  plan(context): Plan | undefined {
    const { compose } = context.wanted;
    if (!compose) return undefined;
    const { binary, release, version } = compose;
    const sha256 = binary.digest.replace('sha256:', '');
    const now = context.survey.paths.get(release.file);
    const recorded = context.state.files.some(file => file.path === release.file && file.sha256 === sha256);
    const whole = recorded && now?.kind === 'file' && now.sha256 === sha256 && now.mode === '0755';
    const links = planComposeLinks(context, release.links);
    if (whole && !links) return undefined;
    const upload = whole
      ? []
      : [`upload compose ${version} (${formatBytes(binary.size)}) to ${release.file}`];
    const entry = { path: release.file, kind: 'file', sha256, mode: '0755' } as const;
    return {
      changes: [...upload, ...(links?.changes ?? [])],
      files: [...(whole ? [] : [...newFolders(context, [release.file]), entry]), ...(links?.files ?? [])],
      gone: links?.gone ?? [],
      async run(report) {
        if (!whole) {
          const { path } = await uploadBlob(context.shell, binary, {
            onProgress: report.progress,
            ...(context.signal ? { signal: context.signal } : {}),
          });
          await context.shell.run(placeScript(path, release.file), {
            root: true,
            title: `install ${release.file}`,
          });
        }
        await links?.run();
      },
    };
  },
};

/** The links that make a compose the current one, and those of another that go. Undefined when they are as they should be. */
export function planComposeLinks(context: BareContext, wanted: readonly Link[]): ComposeLinks | undefined {
  const { links, files } = planLinks(context, wanted);
  const paths = wanted.map(({ path }) => path);
  const old = staleLinks(context.state.files, paths);
  const undo = planUndo(old, context.survey);
  if (links.length === 0 && old.length === 0) return undefined;
  return {
    changes: [...links.map(({ path }) => `link ${path}`), ...undo.map(step => step.change)],
    files,
    gone: old.map(({ path }) => path),
    async run() {
      await setLinks(context.shell, links);
      await runUndo(context.shell, undo);
    },
  };
}

/** From the blobs, which may lie on another file system, to its place in one rename. */
function placeScript(blob: string, file: string): string {
  return `set -e
a=${quote(blob)}; f=${quote(file)}
case $a in ${LAYOUT.blobs}/*) ;; *) exit 1;; esac
mkdir -p -- ${quote(posix.dirname(file))}
cp -- "$a" "$f.part"
chmod 0755 -- "$f.part"
chown root:root -- "$f.part"
sync -- "$f.part" 2>/dev/null || sync
mv -f -T -- "$f.part" "$f"
rm -f -- "$a"`;
}

/** Links of an earlier compose that this one does not have: the plugin of v2, when v1 takes its place. */
function staleLinks(files: readonly InstalledFile[], wanted: readonly string[]): InstalledFile[] {
  return files.filter(file => file.target?.startsWith(`${COMPOSE_DIR}/`) && !wanted.includes(file.path));
}
