/** What goes wrong between us and an engine, in the operator's words. */
import { AirferryError, systemCode } from '../../errors.ts';
import { formatDuration } from '../../support/format.ts';
import { saysNoSpace } from '../../support/no-space.ts';
import { TLS_ADVICE } from './address.ts';

/** Characters of an engine's own words that are passed on. */
const SAID_LIMIT = 600;

const START =
  'Start it (systemctl start docker), or name another one by DOCKER_HOST or `docker context use`.';
const AGAIN = 'Look whether the engine is still up (journalctl -u docker), then run the same command again.';

const NOBODY_THERE: Record<string, string> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'the name of the host is not known here',
  EAI_AGAIN: 'the name server gave no answer',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to its network',
  ETIMEDOUT: 'it did not take the connection in time',
  ENOTSOCK: 'that is no socket',
};

/** Beginnings of the codes by which Node and OpenSSL tell that TLS failed. */
const TLS_CODE =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH)/;

/** The error for a connection that could not be made, or broke: ENGINE_NOT_READY, ENGINE_DENIED, ENGINE_TLS, ENGINE_FAILED. */
export function wireFailure(error: unknown, place: string): AirferryError {
  if (error instanceof AirferryError) return error;
  const code = systemCode(error) ?? '';
  const details = { where: { url: place }, cause: error };
  if (code === 'EACCES' || code === 'EPERM') return denied(place, 'permission denied', error);
  const nobody = NOBODY_THERE[code];
  if (nobody !== undefined) {
    return new AirferryError('ENGINE_NOT_READY', `no engine answers at ${place}: ${nobody}`, {
      ...details,
      suggestions: [START],
    });
  }
  if (TLS_CODE.test(code)) return tlsFailure(place, error as Error, code);
  if (code.startsWith('HPE_')) return strange(place, 'it does not speak HTTP', error);
  return new AirferryError(
    'ENGINE_NOT_READY',
    `the connection to the engine at ${place} was lost${code ? ` (${code})` : `: ${said(String((error as Error)?.message ?? error))}`}`,
    { ...details, suggestions: [AGAIN] },
  );
}

/** The error for a user whom the engine's socket is closed to. */
export function denied(place: string, why: string, cause?: unknown): AirferryError {
  return new AirferryError('ENGINE_DENIED', `the engine at ${place} does not let this user in: ${why}`, {
    where: { url: place },
    suggestions: [
      'Run the command as root (sudo), or add the user to the group of the socket: usermod -aG docker USER; then log in anew.',
    ],
    cause,
  });
}

/** The error for an engine that stopped in the midst of an exchange. */
export function silent(place: string, doing: string, ms: number): AirferryError {
  return new AirferryError(
    'ENGINE_NOT_READY',
    `the engine at ${place} did not ${doing} for ${formatDuration(ms)}`,
    {
      where: { url: place },
      suggestions: [AGAIN],
    },
  );
}

/** The error for what is no answer of an engine. */
export function strange(place: string, why: string, cause?: unknown): AirferryError {
  return new AirferryError('ENGINE_FAILED', `what answers at ${place} is no Docker engine: ${why}`, {
    where: { url: place },
    suggestions: ['Check the address: DOCKER_HOST, `docker context ls`.'],
    cause,
  });
}

/**
 * The error for an answer with a status of 400 or more, out of its text: HOST_DISK_FULL, ENGINE_DENIED, ENGINE_TLS,
 * ENGINE_FAILED. `doing` is what was asked for, as in "cannot …".
 */
export function refusal(
  place: string,
  doing: string,
  status: number,
  text: string | undefined,
): AirferryError {
  const message = messageOf(text);
  const details = { where: { url: place } };
  if (message === undefined) {
    if (/HTTP request to an HTTPS server/.test(text ?? '')) {
      return new AirferryError('ENGINE_TLS', `the engine at ${place} wants TLS`, {
        ...details,
        suggestions: [TLS_ADVICE],
      });
    }
    return strange(place, `it answers with status ${status} and without a word that an engine would say`);
  }
  if (saysNoSpace(message)) return diskFull(place, doing, message);
  if (status === 401 || status === 403 || /authorization denied/.test(message))
    return denied(place, said(message));
  const [, age] = /client version \S+ is too (old|new)/.exec(message) ?? [];
  return new AirferryError('ENGINE_FAILED', `the engine at ${place} cannot ${doing}: ${said(message)}`, {
    ...details,
    suggestions:
      age === undefined
        ? ['Look into its log: journalctl -u docker.']
        : [age === 'old' ? 'A newer airferry speaks to this engine.' : 'Give the host a newer engine.'],
  });
}

/** The error for an engine whose disk filled up. */
export function diskFull(place: string, doing: string, message: string): AirferryError {
  return new AirferryError(
    'HOST_DISK_FULL',
    `the disk of the engine at ${place} is full; it cannot ${doing}: ${said(message)}`,
    {
      where: { url: place },
      suggestions: [
        'Make room at the data root (docker system df; docker image prune), then run the same command again.',
      ],
    },
  );
}

/** An engine's own words, short, on one line, and without what a terminal would take for commands. */
export function said(message: string): string {
  const plain = message
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}/gu, '?')
    .trim();
  return plain.length > SAID_LIMIT ? `${plain.slice(0, SAID_LIMIT)}…` : plain;
}

/** `{"message": "…"}` */
function messageOf(text: string | undefined): string | undefined {
  try {
    const json: unknown = JSON.parse(text ?? '');
    const message = (json as { message?: unknown } | null)?.message;
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

function tlsFailure(place: string, error: Error, code: string): AirferryError {
  const details = { where: { url: place }, cause: error };
  if (/certificate.?required|bad.?certificate|handshake.?failure|unknown.?ca/i.test(error.message)) {
    return new AirferryError('ENGINE_TLS', `the engine at ${place} does not accept our certificate`, {
      ...details,
      suggestions: [
        'cert.pem has to be signed by the CA that dockerd is given with --tlscacert.',
        TLS_ADVICE,
      ],
    });
  }
  if (/WRONG_VERSION|PACKET_LENGTH|INVALID/.test(code) || code === 'EPROTO') {
    return new AirferryError('ENGINE_TLS', `the engine at ${place} does not speak TLS`, {
      ...details,
      suggestions: ['Check the port: 2376 is usual with TLS, 2375 without.'],
    });
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new AirferryError('ENGINE_TLS', `the certificate of the engine at ${place} is for another host`, {
      ...details,
      suggestions: [
        'Use a name or address that its certificate has (openssl x509 -noout -ext subjectAltName).',
      ],
    });
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return new AirferryError('ENGINE_TLS', `the certificate of the engine at ${place} is not valid now`, {
      ...details,
      suggestions: ['Compare the clocks of both machines (date -u), or renew the certificate.'],
    });
  }
  return new AirferryError(
    'ENGINE_TLS',
    `the certificate of the engine at ${place} is not trusted (${code})`,
    {
      ...details,
      suggestions: ['ca.pem has to be the CA that signed it.', TLS_ADVICE],
    },
  );
}
