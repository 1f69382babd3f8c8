/** What the commands that copy images do the same: read the flags for names, show the bytes pass, tell what came of it. */
import type { ImageCopyOptions, ImagesCopied } from '../actions/image-copy.ts';
import { parseRetagRule } from '../content/retag.ts';
import { BaseCommand } from './base-command.ts';
import type { OutputFlags } from './output.ts';
import { copiedView, unnamedWarning, type Verb } from './views/copied.ts';

/** Parsed flags of which a command has some. */
export interface CopyFlags extends OutputFlags {
  retag?: string[];
  only?: string[];
  platform?: string[];
  referrers?: boolean;
  'dry-run'?: boolean;
}

/** What the flags make of the options of a copy. */
export type CopyWork = Pick<
  ImageCopyOptions,
  'rules' | 'only' | 'platforms' | 'referrers' | 'dryRun' | 'meter' | 'signal'
>;

export abstract class ImageCommand extends BaseCommand {
  /** Run a copy and show its result. */
  protected async copy(
    flags: CopyFlags,
    verb: Verb,
    action: (work: CopyWork) => Promise<ImagesCopied>,
  ): Promise<void> {
    const out = this.output(flags);
    const { only, platform: platforms, referrers, 'dry-run': dryRun = false } = flags;
    const rules = (flags.retag ?? []).map(parseRetagRule);
    const title = dryRun ? 'Reading' : verb.title;
    const result = await this.track(out, title, work =>
      action({ rules, only, platforms, referrers, dryRun, ...work }),
    );
    const warning = unnamedWarning(result);
    if (warning) out.warn(warning);
    this.end(out, { result, view: (copied, look) => copiedView(copied, verb, look), asked: dryRun });
  }
}
