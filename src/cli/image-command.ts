/** What the commands that copy images do the same: read the flags for names, show the bytes pass, tell what came of it. */
import type { ImagesCopied } from '../actions/copied.ts';
import type { ImageCopyOptions } from '../actions/image-copy.ts';
import { retagRules, type WantedImage, wantedImages } from '../actions/image-names.ts';
import type { TrustOptions } from '../bundle/sign/trust.ts';
import { BaseCommand } from './base-command.ts';
import { wantedOptions } from './image-flags.ts';
import type { OutputFlags } from './output.ts';
import { trustFrom } from './sign-flags.ts';
import { copiedView, platformWarning, referrersWarning, unnamedWarning, type Verb } from './views/copied.ts';
import { idleRules } from './views/idle-rules.ts';

/** Parsed flags of which a command has some. */
export interface CopyFlags extends OutputFlags {
  retag?: string[];
  'retag-file'?: string[];
  only?: string[];
  images?: string[];
  compose?: string[];
  profile?: string[];
  'env-file'?: string[];
  kubernetes?: string[];
  platform?: string[];
  referrers?: boolean;
  'dry-run'?: boolean;
  'trusted-key'?: string[];
}

/** What the flags make of the options of a copy. */
export interface CopyWork
  extends TrustOptions,
    Pick<ImageCopyOptions, 'rules' | 'platforms' | 'referrers' | 'dryRun' | 'meter' | 'signal'> {
  /** The images that are asked for by name; all where nobody asked. */
  wanted?: readonly WantedImage[];
}

export abstract class ImageCommand extends BaseCommand {
  /** Run a copy and show its result. */
  protected async copy(
    flags: CopyFlags,
    verb: Verb,
    action: (work: CopyWork) => Promise<ImagesCopied>,
  ): Promise<void> {
    const out = this.output(flags);
    const { referrers, 'dry-run': dryRun = false } = flags;
    const rules = await retagRules(flags.retag, flags['retag-file']);
    const { images: wanted, warnings } = await wantedImages(wantedOptions(flags));
    for (const warning of warnings) out.warn(warning);
    const title = dryRun ? 'Reading' : verb.title;
    // They are told once the line with the progress is gone.
    const notes: string[] = [];
    const trust = trustFrom(flags, { note: sentence => notes.push(sentence) });
    const result = await this.track(out, title, work =>
      action({ rules, wanted, platforms: flags.platform, referrers, dryRun, ...trust, ...work }),
    );
    for (const note of notes) out.note(note);
    const warned = [
      unnamedWarning(result),
      platformWarning(result),
      referrersWarning(result, referrers ?? false),
    ];
    for (const warning of warned) if (warning) out.warn(warning);
    if (result.images.length > 0)
      for (const idle of idleRules(
        rules,
        result.images.map(({ rule }) => rule),
      ))
        out.warn(idle);
    this.end(out, { result, view: (copied, look) => copiedView(copied, verb, look), asked: dryRun });
  }
}
