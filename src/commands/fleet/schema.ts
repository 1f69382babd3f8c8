/** `airferry fleet schema`: the shape of fleet.yaml, for editors. */

import { fleetSchemaDocument } from '../../actions/fleet-schema.ts';
import { BaseCommand } from '../../cli/base-command.ts';

export default class FleetSchema extends BaseCommand {
  static override summary = 'Print the JSON Schema of fleet.yaml, for editors that complete and check it.';
  static override description =
    'Editors with the YAML language server read the schema that the first line of a file names: ' +
    '`# yaml-language-server: $schema=./fleet.schema.json`.';
  static override examples = [
    {
      description: 'Put the schema beside the fleet file',
      command: '<%= config.bin %> fleet schema > fleet.schema.json',
    },
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(FleetSchema);
    const schema = fleetSchemaDocument();
    this.output(flags).result(schema, () => [JSON.stringify(schema, null, 2)]);
  }
}
