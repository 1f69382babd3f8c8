/** What went wrong on the wire (DNS, TCP, TLS, time limits), in the operator's words. */
import { AirferryError, systemCode } from '../errors.ts';
import { formatDuration } from '../support/format.ts';
import { RegistryError } from './errors.ts';
import type { HttpProxy } from './proxy.ts';

/** Codes of OpenSSL's verification that mean: signed by a CA that is not trusted here. */
const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
]);
/** Failures that say that nobody is there; before the first answer they are not worth a second try. */
const NOBODY_THERE: Record<string, string> = {
  ECONNREFUSED: 'refuses the connection',
  EHOSTUNREACH: 'cannot be reached: no route to the host',
  ENETUNREACH: 'cannot be reached: no route to its network',
  ENOTFOUND: 'has no address: the name is not known here',
  ECONNECTTIMEOUT: 'did not take the connection in time',
};

/** The error for a failure of DNS, TCP, TLS or the proxy in between, when `url` was asked for. */
export function networkError(error: unknown, url: URL, proxy?: HttpProxy): AirferryError {
  if (error instanceof AirferryError) return error;
  const place = url.host;
  const code = systemCode(error) ?? '';
  const where = { url: `${url.origin}${url.pathname}` };
  const onTheWay = proxy && proxyFailure(code, error, url, proxy);
  if (onTheWay) return onTheWay;
  const tls = tlsFailure(code, error, url);
  if (tls) return new RegistryError('REGISTRY_TLS', tls.message, { where, suggestions: tls.suggestions });
  const nobody = NOBODY_THERE[code];
  if (nobody !== undefined) {
    return new RegistryError('REGISTRY_UNREACHABLE', `${place} ${nobody}`, {
      where,
      suggestions: unreachableAdvice(code, url),
      mayPass: code !== 'ENOTFOUND',
    });
  }
  if (code === 'EAI_AGAIN') {
    return new RegistryError('REGISTRY_UNREACHABLE', `the name server gave no answer for ${url.hostname}`, {
      where,
      suggestions: ['Check /etc/resolv.conf, or write the address of the registry into /etc/hosts.'],
      mayPass: true,
    });
  }
  return new RegistryError(
    'REGISTRY_UNREACHABLE',
    `the connection to ${place} was lost${code ? ` (${code})` : ''}`,
    {
      where,
      suggestions: [
        'Run the command again: it goes on where it stopped.',
        'If it is always lost at the same place, a proxy before the registry may limit size or time of requests.',
      ],
      mayPass: true,
    },
  );
}

/** The error for a registry that stopped in the midst of an exchange. */
export function silenceError(url: URL, doing: string, ms: number): RegistryError {
  return new RegistryError('REGISTRY_UNREACHABLE', `${url.host} did not ${doing} for ${formatDuration(ms)}`, {
    where: { url: `${url.origin}${url.pathname}` },
    suggestions: ["Look at the network and at the registry's load, then run the command again."],
    mayPass: true,
  });
}

/** A failure of the proxy itself: it is not there, or does not let the request pass. */
function proxyFailure(code: string, error: unknown, url: URL, proxy: HttpProxy): RegistryError | undefined {
  const nobody = NOBODY_THERE[code];
  const answer = /HTTP\/1\.[01] (\d{3})/.exec(error instanceof Error ? error.message : '')?.[1];
  if (nobody === undefined && code !== 'ERR_PROXY_TUNNEL') return undefined;
  const late = code === 'ECONNECTTIMEOUT';
  const name = `the proxy ${proxy.url.host}`;
  const straight = `If ${url.hostname} is reached without it, put ${url.hostname} into NO_PROXY.`;
  const [what, advice] =
    nobody !== undefined
      ? [late ? `gave no connection to ${url.host} in time` : nobody, `Check ${proxy.variable}.`]
      : answer === '407'
        ? ['wants a login', `Give it in ${proxy.variable}, as http://USER:PASSWORD@${proxy.url.host}`]
        : [
            `does not let requests to ${url.host} pass (status ${answer ?? 'unknown'})`,
            `Ask who keeps the proxy.`,
          ];
  return new RegistryError('REGISTRY_UNREACHABLE', `${name} ${what}`, {
    where: { url: `${url.origin}${url.pathname}` },
    suggestions: [straight, advice],
    mayPass: nobody !== undefined ? code !== 'ENOTFOUND' : Number(answer) >= 500,
  });
}

function tlsFailure(
  code: string,
  error: unknown,
  url: URL,
): { message: string; suggestions: string[] } | undefined {
  const text = error instanceof Error ? error.message : '';
  const certsDir = `/etc/docker/certs.d/${url.host}`;
  if (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    /wrong version number/.test(text)
  ) {
    return {
      message: `${url.host} speaks plain HTTP, not HTTPS`,
      suggestions: ['Add --plain-http if the registry is meant to be without TLS.', 'Or check the port.'],
    };
  }
  if (UNTRUSTED.has(code)) {
    return {
      message: `the certificate of ${url.host} is signed by a CA that is not trusted here`,
      suggestions: [`Give the CA with --ca FILE, or put it at ${certsDir}/ca.crt as for Docker.`],
    };
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return {
      message: `the certificate of ${url.host} has expired`,
      suggestions: [
        'Renew the certificate of the registry.',
        'If it is good, the clock of this machine is wrong: see date.',
      ],
    };
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return {
      message: `the certificate of ${url.host} is not valid yet`,
      suggestions: ['The clock of this machine or of the one that signed is wrong: see date.'],
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      message: `the certificate of ${url.host} is made for another name`,
      suggestions: [
        'Use the name that the certificate bears (subject alternative name), with a line in /etc/hosts if need be.',
      ],
    };
  }
  if (/ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE|UNKNOWN_CA)|TLSV13_ALERT/.test(code)) {
    return {
      message: `${url.host} refuses the TLS connection; it may want a client certificate`,
      suggestions: [`Put the pair client.cert and client.key into ${certsDir}, as for Docker.`],
    };
  }
  if (
    code === 'EPROTO' ||
    code.startsWith('ERR_SSL_') ||
    code.startsWith('ERR_TLS_') ||
    code.startsWith('CERT_')
  ) {
    return {
      message: `TLS with ${url.host} failed (${code})`,
      suggestions: [`Give its CA with --ca FILE, or put it at ${certsDir}/ca.crt as for Docker.`],
    };
  }
  return undefined;
}

function unreachableAdvice(code: string, url: URL): string[] {
  if (code === 'ENOTFOUND') {
    return ['Check the spelling.', `Or write its address into /etc/hosts: ADDRESS ${url.hostname}`];
  }
  if (code === 'ECONNREFUSED') {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return [`Check that the registry runs and listens on port ${port}.`, 'Name another port as HOST:PORT.'];
  }
  return [`Check the route and the firewall between here and ${url.hostname}.`];
}
