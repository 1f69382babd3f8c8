/** `airferry help`: what `--help` behind a command shows, for those who ask the other way round. */
import * as Args from '@oclif/core/args';
import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import { loadHelpClass } from '@oclif/core/help';

export default class Help extends Command {
  static override summary = 'Show what a command is for, and its flags.';
  static override examples = [
    { description: 'All commands, those of topics too', command: '<%= config.bin %> help --nested-commands' },
    { description: 'One command', command: '<%= config.bin %> help host install' },
  ];
  static override args = {
    command: Args.string({ description: 'The command, as it is written.', required: false }),
  };
  static override flags = {
    'nested-commands': Flags.boolean({ char: 'n', summary: 'Show the commands of topics too.' }),
  };
  static override strict = false;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Help);
    const HelpOfConfig = await loadHelpClass(this.config);
    await new HelpOfConfig(this.config, { all: flags['nested-commands'] }).showHelp(argv as string[]);
  }
}
