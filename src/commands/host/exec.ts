/** `airferry host exec`: a command on many hosts. */
import * as Flags from '@oclif/core/flags';
import { hostExec } from '../../actions/host-exec.ts';
import { ExecView } from '../../cli/exec-view.ts';
import { hostFlags } from '../../cli/flags.ts';
import { HostCommand } from '../../cli/host-command.ts';
import { readStdin } from '../../cli/stdin.ts';
import { AirferryError } from '../../errors.ts';

/** Bytes of input that are kept, once for all hosts. */
const MAX_STDIN = 64 * 1024 * 1024;

export default class HostExec extends HostCommand {
  static override summary = 'Run a command on hosts, and tell what each says.';
  static override description =
    'Words behind -- reach the program on the host exactly as they are, without a shell in between; --shell takes a ' +
    'line for sh instead. Each line comes behind the name of its host, stdout and stderr apart. Exit status 0 when the ' +
    'command ended with 0 everywhere, 5 when it did on some hosts only, 6 when on none. Ctrl-C and --timeout end the ' +
    'command on the hosts too.';
  static override usage = ['host exec [FLAGS] -- COMMAND...', 'host exec [FLAGS] --shell LINE'];
  static override examples = [
    {
      description: 'How long the hosts of a fleet are up',
      command: '<%= config.bin %> host exec -F fleet.yaml -- uptime',
    },
    {
      description: 'Restart a unit as root, one host after another',
      command: '<%= config.bin %> host exec -F fleet.yaml --sudo --parallel 1 -- systemctl restart chronyd',
    },
    {
      description: 'A line for the shell of each host',
      command: "<%= config.bin %> host exec --host ops@10.77.0.11 --shell 'cd /var/log && du -sh .'",
    },
  ];
  static override flags = {
    shell: Flags.string({
      summary: 'A line for sh, instead of a program and its arguments.',
      helpValue: 'LINE',
    }),
    sudo: Flags.boolean({ summary: 'As root, by sudo where the user is not root.', exclusive: ['no-sudo'] }),
    stdin: Flags.boolean({ summary: 'Give what comes on stdin to the command on every host.' }),
    ...hostFlags,
    timeout: Flags.integer({
      summary: 'Seconds that the command may take on a host.',
      helpValue: 'SECONDS',
      min: 1,
      max: 604_800,
    }),
  };

  async run(): Promise<void> {
    // oclif sorts what stands behind --, and counts what looks like a flag there.
    const all = this.argv;
    const end = all.includes('--') ? all.indexOf('--') : all.length;
    const { flags } = await this.parse(HostExec, all.slice(0, end));
    // The command to try again is made of all words.
    this.argv = all;
    const out = this.output(flags);
    const what = whatToRun(flags.shell, all.slice(end + 1));
    const stdin = flags.stdin ? await readStdin(MAX_STDIN) : undefined;
    let view: ExecView | undefined;
    const ending = await this.onHosts(out, flags, {
      readOnly: true,
      view: names => {
        view = new ExecView(names, out);
        return view;
      },
      action: options =>
        hostExec({
          ...{ ...options, what, root: flags.sudo, collect: out.json },
          ...(stdin ? { stdin } : {}),
          ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
          ...(out.json ? {} : { onLine: (...line) => view?.onLine(...line) }),
        }),
    });
    this.end(out, { ...ending, view: () => [], asked: true });
  }
}

function whatToRun(line: string | undefined, words: string[]): string[] | string {
  if (line !== undefined && words.length === 0) return line;
  if (line === undefined && words.length > 0) return words;
  const why =
    line === undefined ? 'there is no command to run' : '--shell and a command cannot be used together';
  throw new AirferryError('USAGE', why, {
    suggestions: ['Write the command behind --: airferry host exec -F fleet.yaml -- uptime'],
  });
}
