/** The group whose members may use the engine without being root. It stays empty: who is in it is the site's affair. */
import type { Phase } from './phase.ts';

export const createDockerGroup: Phase = {
  name: 'create-docker-group',
  plan({ wanted, facts, shell }) {
    if (!wanted.engine || facts.dockerGroup) return undefined;
    return {
      changes: ['create the group docker'],
      made: [{ kind: 'group', name: 'docker', created: true, members: [] }],
      async run() {
        const script =
          'if command -v groupadd >/dev/null 2>&1; then groupadd --system docker; else addgroup -S docker; fi';
        await shell.run(script, { root: true, title: 'groupadd docker' });
      },
    };
  },
};
