/** Make the release the current one, by one rename, and link its programs into the PATH. */
import { BIN_DIR, CURRENT_LINK } from '../engine/release.ts';
import type { EngineContext, Phase } from './phase.ts';
import { planLinks, setLinks } from './place-links.ts';
import { planUndo, runUndo } from './undo.ts';

export const switchRelease: Phase<EngineContext> = {
  name: 'switch-release',
  plan(context) {
    const { engine } = context.wanted;
    if (!engine) return undefined;
    const { release, version } = engine;
    const before = context.survey.paths.get(CURRENT_LINK);
    const { links, files } = planLinks(context, [release.current, ...release.links]);
    const wanted = new Set(release.links.map(link => link.path));
    const old = context.state.files.filter(
      file => file.target?.startsWith(`${CURRENT_LINK}/`) && !wanted.has(file.path),
    );
    const gone = old.map(file => file.path);
    const undo = planUndo(old, context.survey);
    const recorded = context.state.release?.archive === engine.archive.digest;
    if (links.length === 0 && gone.length === 0 && recorded) return undefined;
    const switched = before?.kind !== 'link' || before.target !== release.current.target;
    const from = context.state.release ? ` from ${context.state.release.version}` : '';
    const linked = links.filter(link => link.path !== CURRENT_LINK).length;
    return {
      changes: [
        ...(switched ? [`switch to engine ${version}${from}`] : []),
        ...(linked > 0 ? [`link ${linked} programs into ${BIN_DIR}`] : []),
        ...undo.map(step => step.change),
      ],
      files,
      gone,
      restart: switched ? [...engine.unitNames] : [],
      async run() {
        await setLinks(context.shell, links);
        await runUndo(context.shell, undo);
        context.state = {
          ...context.state,
          release: { version, archive: engine.archive.digest, path: release.dir },
        };
      },
    };
  },
};
