/** `airferry image retag`: new names, no bytes moved. */
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { retagRules } from '../../actions/image-names.ts';
import { retagImages } from '../../actions/image-retag.ts';
import { sourceLocation } from '../../actions/image-words.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { dryRunFlag, sshFlags } from '../../cli/flags.ts';
import { accessOf, registryAccessFlags } from '../../cli/image-access.ts';
import { retagFileFlag } from '../../cli/image-flags.ts';
import { engineLogin } from '../../cli/reach.ts';
import { idleRules } from '../../cli/views/idle-rules.ts';
import { retaggedView } from '../../cli/views/retagged.ts';
import type { RetagRule } from '../../content/retag.ts';
import { AirferryError } from '../../errors.ts';

export default class ImageRetag extends BaseCommand {
  static override summary = 'Give images other names where they are: in a file, a registry or an engine.';
  static override description =
    'Either one image and its new name, or rules PATTERN=REPLACEMENT, of which the first that matches a name rewrites ' +
    'it. No layer is moved: of a file only the documents at its end are written anew, and if that is interrupted, the ' +
    'next command that opens it finishes it. In a registry old names stay. An image may also be given by its digest, ' +
    'and in a file as @0 for the first.';
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
      description: 'A bundle, an archive or a layout; docker://HOST or docker://HOST/PATH/; docker-daemon:.',
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
    ...retagFileFlag,
    ...dryRunFlag,
    ...registryAccessFlags,
    ...sshFlags,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ImageRetag);
    const out = this.output(flags);
    const [place = '', ...words] = argv.map(String);
    const { keep, remove, 'retag-file': files, 'dry-run': dryRun } = flags;
    const asked = { ...(await namesOf(words, remove, files)), keep, ...(remove && { remove }), dryRun };
    const source = sourceLocation(place, 'docker');
    const login = await engineLogin(flags, [source]);
    const result = await this.track(out, dryRun ? 'Reading' : 'Retagging', work =>
      retagImages({ ...accessOf(flags), login, source, ...asked, ...work }),
    );
    const fired = result.images.map(({ rule }) => rule);
    for (const idle of idleRules(asked.rules ?? [], fired)) out.warn(idle);
    this.end(out, { result, view: retaggedView, asked: dryRun });
  }
}

/** Words with `=` are rules; two without are an image and its new name. Throws USAGE. */
async function namesOf(
  words: readonly string[],
  remove: readonly string[] | undefined,
  files: readonly string[] | undefined,
): Promise<{ rules?: RetagRule[]; rename?: { from: string; to: string } }> {
  const rules = words.filter(word => word.includes('='));
  if (rules.length === words.length && (rules.length > 0 || remove || files))
    return { rules: await retagRules(rules, files) };
  const [from, to] = words;
  if (rules.length === 0 && !files && words.length === 2 && from && to) return { rename: { from, to } };
  throw new AirferryError('USAGE', 'it is not clear what is to be called what', {
    suggestions: [
      'Write an image and its new name: airferry image retag mysql.tar mysql:8 hub.company.com/db/mysql:8',
      "Or rules: airferry image retag site.tar '*=hub.company.com/*'",
    ],
  });
}
