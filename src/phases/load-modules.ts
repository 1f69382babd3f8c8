/** Modules of the kernel that engines use: loaded now, and at each boot before the engine is. */
import { quote } from '../host/quote.ts';
import { modulesToLoad } from './checks/modules.ts';
import type { Phase, Plan } from './phase.ts';
import { planFiles, textFile } from './place-files.ts';

export const MODULES_FILE = '/etc/modules-load.d/80-airferry.conf';

/** What is loaded stays loaded until the next boot when it is undone: something else may use it by then. */
export const loadModules: Phase = {
  name: 'load-modules',
  plan(context): Plan | undefined {
    const idle = modulesToLoad(context);
    if (idle.length === 0) return undefined;
    const text = `# Engines use these modules of the kernel. Installed by airferry.\n${idle.join('\n')}\n`;
    const plan = planFiles(context, [textFile(MODULES_FILE, text)]);
    return {
      changes: [...plan.changes, ...idle.map(name => `load the module ${name}`)],
      files: plan.files,
      async run() {
        await plan.run();
        for (const name of idle)
          await context.shell.run(`modprobe ${quote(name)}`, {
            root: true,
            title: `load the module ${name}`,
          });
      },
    };
  },
};
