/** Telling a full disk by what programs say of it. */

/** Whether a text has Linux's words for ENOSPC or EDQUOT in it, as Go's programs pass them on. */
export function saysNoSpace(text: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(text);
}
