/** Where a registry sends its client next: the `Location` of uploads and redirects. */

/**
 * The absolute URL of a `Location` header, or undefined when it is none.
 * A registry behind a proxy that ends TLS often names itself with http://: on the same host that is taken as https,
 * so that nothing leaves in the clear.
 */
export function resolveLocation(location: string | undefined, base: URL): URL | undefined {
  if (!location || !URL.canParse(location, base.href)) return undefined;
  const url = new URL(location, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (url.username || url.password) return undefined;
  if (base.protocol === 'https:' && url.protocol === 'http:' && url.hostname === base.hostname) {
    if (url.port === base.port || url.port === '') {
      url.port = base.port;
      url.protocol = 'https:';
    }
  }
  return url;
}

/** The URL with one more parameter at the end of its query, every other character of it left as the registry made it. */
export function withParameter(url: URL, name: string, value: string): URL {
  const longer = new URL(url);
  const parameter = `${name}=${encodeURIComponent(value)}`;
  longer.search = url.search === '' ? parameter : `${url.search}&${parameter}`;
  return longer;
}

/** The URL for messages: without the query, which may hold tokens. */
export function publicUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
