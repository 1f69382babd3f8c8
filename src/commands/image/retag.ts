/** `airferry image retag`: new names, no bytes moved. */
import { Args, Flags } from '@oclif/core';
import { retagImages } from '../../actions/image-retag.ts';
import { sourceLocation } from '../../actions/image-words.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { dryRunFlag } from '../../cli/flags.ts';
import { retaggedView } from '../../cli/views/retagged.ts';
import { parseRetagRule, type RetagRule } from '../../content/retag.ts';
import { AirferryError } from '../../errors.ts';

export default class ImageRetag extends BaseCommand {
  static override summary = 'Give images of an archive, a bundle or a layout other names, in place.';
  static override description =
    'Either one image and its new name, or rules PATTERN=REPLACEMENT, of which the first that matches a name rewrites ' +
    'it. No layer is moved: only the documents at the end of the file are written anew. If that is interrupted, the ' +
    'next command that opens the file finishes it. An image may also be given by its digest, or as @0 for the first.';
  static override examples = [
    {
      description: 'One image of a saved archive',
      command: '<%= config.bin %> image retag mysql.tar mysql:8 hub.company.com/db/mysql:8',
    },
    {
      description: 'All images of a bundle; see first what each name becomes',
      command: "<%= config.bin %> image retag site.tar '*=hub.company.com/plant/*' --dry-run",
    },
  ];
  static override args = {
    source: Args.string({
      description: 'A bundle, an archive, or the folder of an OCI layout.',
      required: true,
      ignoreStdin: true,
    }),
    names: Args.string({ description: 'Rules, or an image and its new name.', ignoreStdin: true }),
  };
  static override strict = false;
  static override flags = {
    keep: Flags.boolean({ summary: 'Leave the old names beside the new ones.' }),
    remove: Flags.string({
      summary: 'Take this name away; the image stays. May be repeated.',
      helpValue: 'IMAGE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...dryRunFlag,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageRetag);
    const out = this.output(flags);
    const [source = '', ...words] = argv.map(String);
    const { keep, remove, 'dry-run': dryRun } = flags;
    const asked = { ...namesOf(words, remove), keep, ...(remove && { remove }), dryRun };
    const result = await this.track(out, dryRun ? 'Reading' : 'Retagging', ({ signal }) =>
      retagImages({ source: sourceLocation(source, 'docker'), ...asked, signal }),
    );
    this.end(out, { result, view: retaggedView, asked: dryRun });
  }
}

/** Words with `=` are rules; two without are an image and its new name. Throws USAGE. */
function namesOf(
  words: readonly string[],
  remove: readonly string[] | undefined,
): { rules?: RetagRule[]; rename?: { from: string; to: string } } {
  const rules = words.filter(word => word.includes('='));
  if (rules.length === words.length && (rules.length > 0 || remove))
    return { rules: rules.map(parseRetagRule) };
  const [from, to] = words;
  if (rules.length === 0 && words.length === 2 && from && to) return { rename: { from, to } };
  throw new AirferryError('USAGE', 'it is not clear what is to be called what', {
    suggestions: [
      'Write an image and its new name: airferry image retag mysql.tar mysql:8 hub.company.com/db/mysql:8',
      "Or rules: airferry image retag site.tar '*=hub.company.com/*'",
    ],
  });
}
