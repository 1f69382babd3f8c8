/** What of a daemon.json must not be shown: user and password in the URLs of proxies, mirrors and log drivers, and tokens. */

const USER_INFO = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/"'@]+@/gi;
/** Options of log drivers that are secrets: `splunk-token`, `awslogs-credentials-endpoint` is none. */
const SECRET_OPTION = /("[^"\n]{0,100}(?:token|password|passwd|secret)"\s*:\s*)"(?:[^"\\\n]|\\.)*"/gi;

/** The text with its secrets as `***`; nothing else is changed, so that lines stay comparable. */
export function withoutSecrets(text: string): string {
  return text.replace(USER_INFO, '$1***@').replace(SECRET_OPTION, '$1"***"');
}
