/** Which kinds of manifest a client says that it understands. RFC 9110, 12.5.1. Pure. */

/**
 * Whether an Accept header takes a media type. Clients that send none, or anything, take all; weights are not weighed,
 * since there is only ever one form of a manifest to give.
 */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true;
  return header.split(',').some(item => {
    const [range = '', ...parameters] = item.split(';').map(part => part.trim().toLowerCase());
    if (parameters.some(parameter => /^q=0(?:\.0*)?$/.test(parameter))) return false;
    return range === '*/*' || range === 'application/*' || range === mediaType;
  });
}
