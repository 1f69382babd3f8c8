/** The forms in which Docker keeps a login to a registry. */

export type Credentials =
  | { kind: 'password'; username: string; password: string }
  /** A refresh token of the OAuth flow; stands for a login without its password. */
  | { kind: 'identity'; token: string }
  /** A finished bearer token. */
  | { kind: 'bearer'; token: string };
