/** The group docker, if we made it and nobody was put into it. */
import type { BareContext, Phase } from './phase.ts';

export const removeGroup: Phase<BareContext> = {
  name: 'remove-group',
  plan({ state, facts, shell }, report) {
    const made = state.changes.find(change => change.kind === 'group' && change.created);
    if (made?.kind !== 'group' || !facts.dockerGroup) return undefined;
    if (facts.dockerGroup.members.length > 0) {
      report.note(`the group docker stays: ${facts.dockerGroup.members.join(', ')} belong to it`);
      return undefined;
    }
    return {
      changes: ['remove the group docker'],
      async run() {
        const script =
          'if command -v groupdel >/dev/null 2>&1; then groupdel docker; else delgroup docker; fi';
        await shell.run(script, { root: true, title: 'groupdel docker' });
      },
    };
  },
};
